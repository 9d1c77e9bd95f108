/**
 * ids: identifiers in Clerk's form, a prefix and 27 characters. A user's id is derived from the email
 * address, so notebooks keep their owner even when the state directory is deleted.
 */
import crypto from 'node:crypto';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const LENGTH = 27;

const spell = (bytes) => Array.from(bytes, (byte) => ALPHABET[byte % ALPHABET.length]).join('');

/** @param {string} email @returns {string} the form in which addresses are compared */
export const normalizeEmail = (email) => email.trim().toLowerCase();

/** The same id for the same seed, on every machine. @param {string} prefix @param {string} seed */
export function derivedId(prefix, seed) {
  const digest = crypto
    .createHash('sha256')
    .update(`${prefix}\0${normalizeEmail(seed)}`)
    .digest();
  return `${prefix}_${spell(digest.subarray(0, LENGTH))}`;
}

/** @param {string} prefix */
export const randomId = (prefix) => `${prefix}_${spell(crypto.randomBytes(LENGTH))}`;
