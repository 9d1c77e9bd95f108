/**
 * tokens: Clerk session tokens (RS256, version 2 claims), as the real service mints them.
 */
import crypto from 'node:crypto';

import { derivedId, normalizeEmail } from './ids.mjs';

/** The header category of session tokens; templates and machines have others. */
const SESSION_CATEGORY = 'cl_B7d4PD111AAA';
const NBF_SKEW_S = 10;
const EMAIL = /^[^@\s]+@[^@\s]+$/;
const EMAIL_MAX = 254; // RFC 5321 4.5.3.1.3

export const DEFAULT_TTL_S = 60;
export const MAX_TTL_S = 24 * 3600;
export const DEFAULT_ORIGIN = 'http://localhost:5173';
export const DEFAULT_ISSUER = 'http://localhost:5173/__clerk';

/**
 * @typedef {object} Session
 * @property {string} id
 * @property {string} userId
 * @property {number} createdAt ms since the epoch
 */

/**
 * @typedef {object} MintOptions
 * @property {string} issuer
 * @property {string} origin becomes `azp`: the page that asked for the token
 * @property {number} [ttl] seconds
 * @property {number} [now] ms since the epoch
 */

/** Something the caller asked for that cannot be had; the message is for people. */
export class RequestError extends Error {}

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** @param {import('./keys.mjs').SigningKey} key @param {object} claims @returns {string} a JWT */
export function signToken(key, claims) {
  const header = { alg: 'RS256', cat: SESSION_CATEGORY, kid: key.kid, typ: 'JWT' };
  const signed = `${encode(header)}.${encode(claims)}`;
  return `${signed}.${crypto.sign('sha256', Buffer.from(signed), key.privateKey).toString('base64url')}`;
}

/** @param {Session} session @param {MintOptions} options */
export function sessionClaims(session, { issuer, origin, ttl = DEFAULT_TTL_S, now = Date.now() }) {
  const iat = Math.floor(now / 1000);
  return {
    azp: origin,
    exp: iat + ttl,
    fva: [Math.max(0, Math.floor((now - session.createdAt) / 60_000)), -1],
    iat,
    iss: issuer,
    jti: crypto.randomBytes(10).toString('hex'),
    nbf: iat - NBF_SKEW_S,
    sid: session.id,
    sts: 'active',
    sub: session.userId,
    v: 2,
  };
}

/** One lasting session per address, so that a renewed token belongs to the same one. @returns {Session} */
export function sessionOf(email, now = Date.now()) {
  if (typeof email !== 'string' || email.length > EMAIL_MAX || !EMAIL.test(email.trim())) {
    throw new RequestError('a valid email address is needed');
  }
  const address = normalizeEmail(email);
  return { id: derivedId('sess', address), userId: derivedId('user', address), createdAt: now };
}

function checkOrigin(origin) {
  if (!URL.canParse(origin) || new URL(origin).origin !== origin) {
    throw new RequestError('the origin must look like http://localhost:5173');
  }
}

/**
 * A token for an address, checked.
 * @param {import('./keys.mjs').SigningKey} key @param {string} email @param {MintOptions} options
 */
export function mintFor(key, email, options) {
  const { ttl = DEFAULT_TTL_S, origin } = options;
  if (!Number.isInteger(ttl) || ttl < 1 || ttl > MAX_TTL_S) {
    throw new RequestError(`the ttl must be 1 to ${MAX_TTL_S} seconds`);
  }
  checkOrigin(origin);
  const session = sessionOf(email);
  const claims = sessionClaims(session, { ...options, ttl });
  return { jwt: signToken(key, claims), claims };
}
