import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import test from 'node:test';

import { loadKey } from '../keys.mjs';
import { decode, ROOT, run, temporaryDirectory } from './helpers.mjs';

const TOKEN = path.join(ROOT, 'scripts/token');
const CLI = path.join(ROOT, 'web/dev/clerk-fapi/cli.mjs');

test('scripts/token prints a token and nothing else', async (t) => {
  const stateDir = temporaryDirectory(t);
  const args = ['ada@example.com', '--state-dir', stateDir, '--ttl', '300'];
  const { code, stdout, stderr } = await run(TOKEN, [...args, '--origin', 'http://localhost:8000']);
  assert.equal(stderr, '');
  assert.equal(code, 0);
  assert.match(stdout, /^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  const [header, claims] = stdout.split('.').slice(0, 2).map(decode);
  assert.equal(header.kid, loadKey(stateDir).kid);
  assert.equal(claims.azp, 'http://localhost:8000');
  assert.equal(claims.iss, 'http://localhost:5173/__clerk');
  assert.equal(claims.exp - claims.iat, 300);
});

test('scripts/token takes the issuer that the server was told', async (t) => {
  const args = ['a@b.de', '--state-dir', temporaryDirectory(t)];
  const { stdout } = await run(TOKEN, args, { CLERK_ISSUER: 'http://localhost:9/__clerk' });
  assert.equal(decode(stdout.split('.')[1]).iss, 'http://localhost:9/__clerk');
});

test('scripts/token says how it is used', async () => {
  const wrong = [[], ['a@b.de', 'c@d.ef'], ['a@b.de', '--ttl', '0'], ['a@b.de', '--nonsense']];
  for (const args of wrong) {
    const { code, stdout, stderr } = await run(TOKEN, args);
    assert.equal(code, 2, args.join(' '));
    assert.equal(stdout, '');
    assert.match(stderr, /usage: token EMAIL/);
  }
});

test('scripts/token refuses what is no address', async (t) => {
  const { code, stderr } = await run(TOKEN, ['ada', '--state-dir', temporaryDirectory(t)]);
  assert.equal(code, 1);
  assert.match(stderr, /a valid email address is needed/);
});

test('many at once end up with one key', async (t) => {
  const args = ['a@b.de', '--state-dir', temporaryDirectory(t)];
  const runs = await Promise.all(Array.from({ length: 4 }, () => run(TOKEN, args)));
  const kids = new Set(runs.map(({ stdout }) => decode(stdout.split('.')[0]).kid));
  assert.equal(kids.size, 1);
});

test('the server does not run in production, nor for other machines', async (t) => {
  const args = [CLI, '--port', '0', '--state-dir', temporaryDirectory(t)];
  const production = await run(process.execPath, args, { NODE_ENV: 'production' });
  assert.equal(production.code, 1);
  assert.match(production.stderr, /NODE_ENV=production/);
  const open = await run(process.execPath, [...args, '--host', '0.0.0.0']);
  assert.equal(open.code, 1);
  assert.match(open.stderr, /this machine only/);
});

test('the server says where it is and stops on SIGTERM', async (t) => {
  const args = [CLI, '--port', '0', '--state-dir', temporaryDirectory(t)];
  const child = spawn(process.execPath, args, { env: { ...process.env, NODE_ENV: '' } });
  t.after(() => child.kill('SIGKILL'));
  const line = await new Promise((resolve) => child.stdout.once('data', resolve));
  const [url] = /http:\S+/.exec(String(line));
  const { keys } = await (await fetch(url)).json();
  assert.equal(keys.length, 1);
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  assert.equal(await gone, 0);
});
