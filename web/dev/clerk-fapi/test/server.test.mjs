import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';

import { SECRET_HEADER } from '../guard.mjs';
import { startServer } from '../server.mjs';
import { decode, request, temporaryDirectory } from './helpers.mjs';

const TOKEN = '/__clerk/__emu/token';
const JWKS = '/__clerk/.well-known/jwks.json';

/** A server on a port of its own, and the secret of its run. */
async function start(t, options = {}) {
  const stateDir = temporaryDirectory(t);
  const started = await startServer({ port: 0, stateDir, ...options });
  t.after(() => started.server.close());
  const secret = fs.readFileSync(path.join(stateDir, 'emu-secret'), 'utf8').trim();
  return { ...started, stateDir, secret };
}

const ask = (emulator, body, headers = {}) =>
  request(emulator.server, 'POST', TOKEN, {
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { [SECRET_HEADER]: emulator.secret, ...headers },
  });

test('the key set and the configuration are public', async (t) => {
  const { server, issuer } = await start(t);
  const configuration = await request(
    server,
    'GET',
    '/__clerk/.well-known/openid-configuration?a=b',
  );
  assert.equal(configuration.status, 200);
  assert.equal(configuration.body.issuer, issuer);
  assert.equal(configuration.body.jwks_uri, `${issuer}/.well-known/jwks.json`);
  const keys = await request(server, 'GET', JWKS);
  assert.equal(keys.status, 200);
  assert.equal(keys.body.keys.length, 1);
  assert.equal(keys.body.keys[0].d, undefined);
});

test('the issuer follows the port unless it is given', async (t) => {
  const free = await start(t);
  assert.equal(free.issuer, `http://localhost:${free.server.address().port}/__clerk`);
  const given = await start(t, { issuer: 'http://localhost:5173/__clerk' });
  assert.equal(given.issuer, 'http://localhost:5173/__clerk');
});

test('who knows the secret gets a token', async (t) => {
  const emulator = await start(t);
  const { status, body } = await ask(emulator, { email: 'ada@example.com', ttl: 25 });
  assert.equal(status, 200);
  const claims = decode(body.jwt.split('.')[1]);
  assert.equal(claims.iss, emulator.issuer);
  assert.equal(claims.azp, 'http://localhost:5173');
  assert.equal(claims.exp - claims.iat, 25);
  assert.equal(claims.sub, body.user_id);
  assert.equal(claims.sid, body.session_id);
  assert.equal(claims.exp * 1000, body.expires_at);
});

test('the token names the origin that was asked for', async (t) => {
  const emulator = await start(t, { origin: 'http://localhost:8000' });
  const standard = await ask(emulator, { email: 'a@b.de' });
  assert.equal(decode(standard.body.jwt.split('.')[1]).azp, 'http://localhost:8000');
  const other = await ask(emulator, { email: 'a@b.de', origin: 'http://localhost:3000' });
  assert.equal(decode(other.body.jwt.split('.')[1]).azp, 'http://localhost:3000');
});

test('without the secret there is no token', async (t) => {
  const emulator = await start(t);
  for (const wrong of ['', 'x', `${emulator.secret}x`, emulator.secret.slice(1)]) {
    const answer = await ask(emulator, { email: 'a@b.de' }, { [SECRET_HEADER]: wrong });
    assert.equal(answer.status, 403);
    assert.equal(answer.body.jwt, undefined);
    assert.equal(answer.body.errors[0].code, 'authorization_invalid');
  }
  const none = await request(emulator.server, 'POST', TOKEN, { body: '{"email":"a@b.de"}' });
  assert.equal(none.status, 403);
});

test('the secret is private, and new with every run', async (t) => {
  const first = await start(t);
  const file = path.join(first.stateDir, 'emu-secret');
  assert.equal(fs.statSync(file).mode & 0o777, 0o600);
  assert.ok(first.secret.length >= 43);
  const second = await startServer({ port: 0, stateDir: first.stateDir });
  t.after(() => second.server.close());
  assert.notEqual(fs.readFileSync(file, 'utf8').trim(), first.secret);
});

test('a foreign host name is refused, every local one is served', async (t) => {
  const { server } = await start(t);
  const local = ['localhost', 'LOCALHOST:5173', '127.0.0.1:1', '[::1]:5173', 'app.localhost:80'];
  for (const host of local) {
    assert.equal((await request(server, 'GET', JWKS, { headers: { host } })).status, 200, host);
  }
  const foreign = ['evil.example', 'localhost.evil.example:5173', '10.0.0.1', '[::2]', ':80'];
  for (const host of foreign) {
    assert.equal((await request(server, 'GET', JWKS, { headers: { host } })).status, 403, host);
  }
});

test('no other origin is let in', async (t) => {
  const emulator = await start(t);
  const answer = await ask(emulator, { email: 'a@b.de' }, { origin: 'http://evil.example' });
  assert.equal(answer.headers['access-control-allow-origin'], undefined);
  const preflight = await request(emulator.server, 'OPTIONS', TOKEN, {
    headers: { origin: 'http://evil.example', 'access-control-request-method': 'POST' },
  });
  assert.equal(preflight.status, 405);
  assert.equal(preflight.headers['access-control-allow-origin'], undefined);
});

test('bad input gets a clear refusal', async (t) => {
  const emulator = await start(t);
  for (const body of ['', '{', '[]', '5', 'null', '"a@b.de"']) {
    assert.equal((await ask(emulator, body)).status, 400, body);
  }
  for (const body of [{}, { email: 5 }, { email: 'a@b.de', ttl: '9' }, { email: 'a', origin: 1 }]) {
    assert.equal((await ask(emulator, body)).status, 422, JSON.stringify(body));
  }
  assert.equal((await ask(emulator, `"${'x'.repeat(100_000)}"`)).status, 413);
  assert.equal((await ask(emulator, { email: 'a@b.de' })).status, 200);
});

test('unknown paths are 404 and wrong methods 405', async (t) => {
  const { server } = await start(t);
  for (const target of ['/', '/__clerk', '/__clerk/', '/__clerk/__emu/reset', '/other']) {
    assert.equal((await request(server, 'GET', target)).status, 404, target);
  }
  assert.equal((await request(server, 'GET', TOKEN)).status, 405);
  assert.equal((await request(server, 'POST', JWKS)).status, 405);
});

test('it listens on this machine only', async (t) => {
  const stateDir = temporaryDirectory(t);
  for (const host of ['0.0.0.0', '::', '192.168.0.1', 'example.com']) {
    await assert.rejects(startServer({ host, port: 0, stateDir }), /this machine only/);
  }
});
