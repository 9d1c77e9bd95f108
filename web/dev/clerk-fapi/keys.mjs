/**
 * keys: the offline Clerk's signing key. One RSA-2048 key per machine, made on first use in the state
 * directory and never committed. It keeps its `kid` across restarts, so tokens and servers that cached
 * the key set stay good.
 */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

/**
 * @typedef {object} SigningKey
 * @property {string} kid `ins_emu...`: Clerk's key ids are instance ids; a production server refuses this prefix
 * @property {crypto.KeyObject} privateKey
 * @property {{keys: object[]}} jwks the public half, as published
 */

const KEY_FILE = 'key.pem';
const PRIVATE_FILE = 0o600;
const PRIVATE_DIRECTORY = 0o700;

/** Makes the state directory, readable by its owner only. @param {string} stateDir */
export function ensureStateDir(stateDir) {
  fs.mkdirSync(stateDir, { recursive: true, mode: PRIVATE_DIRECTORY });
}

/**
 * Writes a file that nobody else can read, whole or not at all: a new name first, then `publish`
 * (rename replaces what is there, link refuses to).
 * @param {string} file @param {string} text @param {(from: string, to: string) => void} publish
 */
export function writePrivate(file, text, publish) {
  const temporary = `${file}.${process.pid}.${crypto.randomBytes(4).toString('hex')}`;
  const fd = fs.openSync(temporary, 'wx', PRIVATE_FILE);
  try {
    fs.writeSync(fd, text);
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
  try {
    publish(temporary, file);
  } finally {
    fs.rmSync(temporary, { force: true });
  }
}

/** Two processes may start at once: link(2) lets one win, and both then read the winner's key. */
function createKeyFile(file) {
  const { privateKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
  try {
    writePrivate(file, pem, fs.linkSync);
  } catch (error) {
    if (error.code !== 'EEXIST') {
      throw error;
    }
  }
}

function readKeyFile(file) {
  if ((fs.statSync(file).mode & 0o077) !== 0) {
    throw new Error(`${file} can be read by others; chmod 600 it, or delete it to get a new one`);
  }
  return crypto.createPrivateKey(fs.readFileSync(file));
}

/** @param {crypto.KeyObject} privateKey @returns {SigningKey} */
function describe(privateKey) {
  const { n, e } = crypto.createPublicKey(privateKey).export({ format: 'jwk' });
  const kid = 'ins_emu' + crypto.createHash('sha256').update(n).digest('hex').slice(0, 20);
  return {
    kid,
    privateKey,
    jwks: { keys: [{ use: 'sig', kty: 'RSA', kid, alg: 'RS256', n, e }] },
  };
}

/** The machine's key; made when there is none yet. @param {string} stateDir @returns {SigningKey} */
export function loadKey(stateDir) {
  const file = path.join(stateDir, KEY_FILE);
  ensureStateDir(stateDir);
  if (!fs.existsSync(file)) {
    createKeyFile(file);
  }
  return describe(readKeyFile(file));
}
