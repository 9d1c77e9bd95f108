/**
 * server: the offline Clerk as a request handler, alone on a port or mounted in another server (the
 * handler has the (req, res, next) form of middleware). Each group of routes is a list of
 * {method, path, handle}; more groups join in `createHandler`.
 */
import http from 'node:http';

import {
  hostIsLocal,
  newSecret,
  refuseProduction,
  SECRET_HEADER,
  secretMatches,
} from './guard.mjs';
import { ApiError, readJson, sendError, sendJson } from './http.mjs';
import { loadKey } from './keys.mjs';
import { DEFAULT_ORIGIN, mintFor, RequestError } from './tokens.mjs';

export const PREFIX = '/__clerk';
const REQUEST_TIMEOUT_MS = 10_000;

/**
 * @typedef {object} Emulator what every route sees
 * @property {string} issuer
 * @property {string} origin `azp` of tokens that name no other
 * @property {import('./keys.mjs').SigningKey} key
 * @property {string} secret of this run
 */

/**
 * @typedef {object} Route
 * @property {'GET' | 'POST'} method
 * @property {string} path below the prefix
 * @property {(req: http.IncomingMessage) => Promise<object> | object} handle returns the body of a 200
 */

/** @param {Emulator} emulator @returns {Route[]} */
function discoveryRoutes({ issuer, key }) {
  const configuration = {
    issuer,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    id_token_signing_alg_values_supported: ['RS256'],
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
  };
  return [
    { method: 'GET', path: '/.well-known/jwks.json', handle: () => key.jwks },
    { method: 'GET', path: '/.well-known/openid-configuration', handle: () => configuration },
  ];
}

/** Routes that Clerk does not have; only who can read the state directory may use them. @returns {Route[]} */
function emulatorRoutes(emulator) {
  const guarded = (handle) => (req) => {
    if (!secretMatches(emulator.secret, req.headers[SECRET_HEADER])) {
      throw new ApiError(403, 'authorization_invalid', `The ${SECRET_HEADER} header is wrong.`);
    }
    return handle(req);
  };
  const token = async (req) => {
    const { email, ttl, origin = emulator.origin } = await readJson(req);
    const { jwt, claims } = mintFor(emulator.key, email, { issuer: emulator.issuer, origin, ttl });
    return { jwt, user_id: claims.sub, session_id: claims.sid, expires_at: claims.exp * 1000 };
  };
  return [{ method: 'POST', path: '/__emu/token', handle: guarded(token) }];
}

const noSuchResource = () => new ApiError(404, 'resource_not_found', 'There is no such resource.');

function findRoute(routes, method, path) {
  const here = routes.filter((route) => route.path === path);
  if (here.length === 0) {
    throw noSuchResource();
  }
  const route = here.find((candidate) => candidate.method === method);
  if (route === undefined) {
    throw new ApiError(405, 'method_not_allowed', `Use ${here.map((r) => r.method).join(' or ')}.`);
  }
  return route;
}

function asApiError(error) {
  if (error instanceof ApiError) {
    return error;
  }
  if (error instanceof RequestError) {
    return new ApiError(422, 'form_param_invalid', error.message);
  }
  console.error(error);
  return new ApiError(500, 'internal_error', 'The offline Clerk failed; see its log.');
}

async function answer(routes, req, res) {
  if (!hostIsLocal(req.headers.host)) {
    throw new ApiError(403, 'host_invalid', 'This host name is not served.');
  }
  const [path] = req.url.slice(PREFIX.length).split('?', 1);
  const route = findRoute(routes, req.method, path);
  sendJson(res, 200, await route.handle(req));
}

/** What the emulator keeps on disk. @param {string} stateDir */
export const openState = (stateDir) => ({ key: loadKey(stateDir), secret: newSecret(stateDir) });

/** @param {Emulator} emulator */
export function createHandler(emulator) {
  const routes = [...discoveryRoutes(emulator), ...emulatorRoutes(emulator)];
  return (req, res, next) => {
    if (!req.url.startsWith(`${PREFIX}/`)) {
      next();
      return;
    }
    answer(routes, req, res).catch((error) => sendError(res, asApiError(error)));
  };
}

/** @returns {Promise<number>} the port, once it listens */
function listen(server, port, host) {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve(server.address().port));
  });
}

/**
 * Listens on a port of its own. The issuer follows the port unless it is given, so the handler is made
 * when the port is known; no request can be read before.
 * @param {{host?: string, port: number, stateDir: string, issuer?: string, origin?: string}} options
 * @returns {Promise<{server: http.Server, issuer: string, keySetUrl: string}>}
 */
export async function startServer({ host = '127.0.0.1', port, stateDir, ...given }) {
  refuseProduction({ host });
  const state = openState(stateDir);
  const server = http.createServer({ requestTimeout: REQUEST_TIMEOUT_MS });
  const here = `http://localhost:${await listen(server, port, host)}${PREFIX}`;
  const { issuer = here, origin = DEFAULT_ORIGIN } = given;
  const handler = createHandler({ ...state, issuer, origin });
  server.on('request', (req, res) => handler(req, res, () => sendError(res, noSuchResource())));
  return { server, issuer, keySetUrl: `${here}/.well-known/jwks.json` };
}
