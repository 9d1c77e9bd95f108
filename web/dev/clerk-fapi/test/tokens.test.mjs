import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';

import { derivedId } from '../ids.mjs';
import { loadKey } from '../keys.mjs';
import { mintFor, RequestError } from '../tokens.mjs';
import { decode, temporaryDirectory } from './helpers.mjs';

const ISSUER = 'http://localhost:5173/__clerk';
const ORIGIN = 'http://localhost:5173';
const mint = (key, email, options = {}) =>
  mintFor(key, email, { issuer: ISSUER, origin: ORIGIN, ...options });

test('a token verifies against the published key set', (t) => {
  const key = loadKey(temporaryDirectory(t));
  const { jwt } = mint(key, 'ada@example.com');
  const [header, payload, signature] = jwt.split('.');
  const [jwk] = key.jwks.keys;
  const publicKey = crypto.createPublicKey({ key: jwk, format: 'jwk' });
  const signed = Buffer.from(`${header}.${payload}`);
  assert.ok(crypto.verify('sha256', signed, publicKey, Buffer.from(signature, 'base64url')));
  assert.equal(decode(header).kid, jwk.kid);
});

test('a token has the header and the claims of a session token', (t) => {
  const key = loadKey(temporaryDirectory(t));
  const { jwt } = mint(key, 'ada@example.com', { now: 1_700_000_000_999 });
  const [header, claims] = jwt.split('.').slice(0, 2).map(decode);
  assert.deepEqual(header, { alg: 'RS256', cat: 'cl_B7d4PD111AAA', kid: key.kid, typ: 'JWT' });
  assert.match(claims.jti, /^[0-9a-f]{20}$/);
  assert.match(claims.sid, /^sess_[0-9A-Za-z]{27}$/);
  assert.deepEqual(
    { ...claims, jti: '', sid: '' },
    {
      azp: ORIGIN,
      exp: 1_700_000_060,
      fva: [0, -1],
      iat: 1_700_000_000,
      iss: ISSUER,
      jti: '',
      nbf: 1_699_999_990,
      sid: '',
      sts: 'active',
      sub: derivedId('user', 'ada@example.com'),
      v: 2,
    },
  );
});

test('one address, however it is written, is one user and one session', (t) => {
  const key = loadKey(temporaryDirectory(t));
  const a = mint(key, 'Ada@Example.com ').claims;
  const b = mint(key, 'ada@example.com').claims;
  const other = mint(key, 'bob@example.com').claims;
  assert.equal(a.sub, b.sub);
  assert.equal(a.sid, b.sid);
  assert.notEqual(a.jti, b.jti);
  assert.notEqual(a.sub, other.sub);
  assert.notEqual(a.sid, other.sid);
});

test('a user id is the same on every machine', () => {
  assert.equal(derivedId('user', 'ada@example.com'), 'user_34iqb56N0ocOR9Lznwj606d2w91');
});

test('what cannot be an address, a ttl or an origin is refused', (t) => {
  const key = loadKey(temporaryDirectory(t));
  for (const email of [
    '',
    'ada',
    'a b@c',
    'a@b@c',
    `${'a'.repeat(250)}@b.de`,
    5,
    null,
    undefined,
  ]) {
    assert.throws(() => mint(key, email), RequestError, `address ${email}`);
  }
  for (const ttl of [0, -1, 1.5, 86_401, NaN, '60', null]) {
    assert.throws(() => mint(key, 'a@b.de', { ttl }), RequestError, `ttl ${ttl}`);
  }
  for (const origin of ['', 'localhost', 'http://localhost:5173/', 'null', 5, null]) {
    assert.throws(() => mint(key, 'a@b.de', { origin }), RequestError, `origin ${origin}`);
  }
});

test('the key is made once, is private, and keeps its id', (t) => {
  const stateDir = path.join(temporaryDirectory(t), 'state');
  const first = loadKey(stateDir);
  assert.match(first.kid, /^ins_emu[0-9a-f]{20}$/);
  assert.equal(loadKey(stateDir).kid, first.kid);
  assert.deepEqual(fs.readdirSync(stateDir), ['key.pem']);
  assert.equal(fs.statSync(path.join(stateDir, 'key.pem')).mode & 0o777, 0o600);
  assert.equal(fs.statSync(stateDir).mode & 0o777, 0o700);
  assert.deepEqual(Object.keys(first.jwks.keys[0]).sort(), ['alg', 'e', 'kid', 'kty', 'n', 'use']);
});

test('a key that others can read is refused', (t) => {
  const stateDir = temporaryDirectory(t);
  loadKey(stateDir);
  fs.chmodSync(path.join(stateDir, 'key.pem'), 0o644);
  assert.throws(() => loadKey(stateDir), /can be read by others/);
});
