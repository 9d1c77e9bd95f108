/** helpers of the tests */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = path.dirname(fileURLToPath(import.meta.url));
export const ROOT = path.resolve(HERE, '../../../..');

/** Gone when the test is. @param {import('node:test').TestContext} t */
export function temporaryDirectory(t) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'clerk-fapi-'));
  t.after(() => fs.rmSync(directory, { recursive: true }));
  return directory;
}

/** A part of a JWT as an object. @param {string} part */
export const decode = (part) => JSON.parse(Buffer.from(part, 'base64url').toString());

/** Runs a program to its end. @returns {Promise<{code: number, stdout: string, stderr: string}>} */
export function run(program, args, env = {}) {
  const child = spawn(program, args, { env: { ...process.env, NODE_ENV: '', ...env } });
  const result = { stdout: '', stderr: '' };
  child.stdout.on('data', (data) => (result.stdout += data));
  child.stderr.on('data', (data) => (result.stderr += data));
  return new Promise((resolve) => {
    child.on('close', (code) => resolve({ code, ...result }));
  });
}

/**
 * A request with any Host header, which fetch would not send.
 * @returns {Promise<{status: number, headers: object, body: any}>}
 */
export function request(server, method, target, { headers = {}, body } = {}) {
  const { port } = server.address();
  return new Promise((resolve, reject) => {
    const req = http.request({ host: '127.0.0.1', port, method, path: target, headers }, (res) => {
      let text = '';
      res.on('data', (data) => (text += data));
      res.on('end', () =>
        resolve({ status: res.statusCode, headers: res.headers, body: JSON.parse(text) }),
      );
    });
    req.on('error', reject);
    req.end(body);
  });
}
