/**
 * guard: what keeps the offline Clerk on this machine and out of production.
 */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

import { ensureStateDir, writePrivate } from './keys.mjs';

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]', '::1']);
const SECRET_FILE = 'emu-secret';

export const SECRET_HEADER = 'x-clerk-emu-secret';

/** @param {string} host a name or address without a port */
export const isLoopback = (host) => LOOPBACK.has(host.toLowerCase()) || host.endsWith('.localhost');

/** Throws when the emulator must not run here. @param {{host: string, environment?: string}} where */
export function refuseProduction({ host, environment = process.env.NODE_ENV }) {
  if (environment === 'production') {
    throw new Error('the offline Clerk does not run with NODE_ENV=production');
  }
  if (!isLoopback(host)) {
    throw new Error(`the offline Clerk listens on this machine only, not on ${host}`);
  }
}

/**
 * A page of another site can point its own name at 127.0.0.1 (DNS rebinding); it cannot choose the
 * Host header that its browser then sends.
 * @param {string | undefined} hostHeader
 */
export function hostIsLocal(hostHeader) {
  const match = /^(\[[^\]]*\]|[^:]*)(:\d+)?$/.exec(hostHeader ?? '');
  return match !== null && isLoopback(match[1]);
}

/** A new secret for this run, for whoever can read the state directory. @param {string} stateDir */
export function newSecret(stateDir) {
  const secret = crypto.randomBytes(32).toString('base64url');
  ensureStateDir(stateDir);
  writePrivate(path.join(stateDir, SECRET_FILE), `${secret}\n`, fs.renameSync);
  return secret;
}

/** In constant time. @param {string} secret @param {string | string[] | undefined} given */
export function secretMatches(secret, given) {
  const hash = (text) => crypto.createHash('sha256').update(text).digest();
  return typeof given === 'string' && crypto.timingSafeEqual(hash(secret), hash(given));
}
