/**
 * http: requests in, JSON out, errors in Clerk's envelope. Knows no route.
 */
import crypto from 'node:crypto';

const BODY_MAX = 64 * 1024;

/** A refusal with a status, in the form Clerk gives its errors. */
export class ApiError extends Error {
  /** @param {number} status @param {string} code @param {string} message */
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** @param {import('node:http').ServerResponse} res @param {number} status @param {unknown} body */
export function sendJson(res, status, body) {
  const text = JSON.stringify(body);
  res.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(status === 413 && { connection: 'close' }),
  });
  res.end(text);
}

/** @param {import('node:http').ServerResponse} res @param {ApiError} error */
export function sendError(res, error) {
  const item = { code: error.code, message: error.message, long_message: error.message, meta: {} };
  sendJson(res, error.status, {
    errors: [item],
    clerk_trace_id: crypto.randomBytes(16).toString('hex'),
  });
}

/** The body as an object. @param {import('node:http').IncomingMessage} req @returns {Promise<object>} */
export async function readJson(req) {
  const chunks = [];
  let size = 0;
  // Leaving the loop must not destroy the request, or the refusal could not be sent.
  for await (const chunk of req.iterator({ destroyOnReturn: false })) {
    size += chunk.length;
    if (size > BODY_MAX) {
      throw new ApiError(413, 'request_body_too_large', 'The body is too large.');
    }
    chunks.push(chunk);
  }
  const value = parse(Buffer.concat(chunks).toString('utf8'));
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new ApiError(400, 'request_body_invalid', 'The body must be a JSON object.');
  }
  return value;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(400, 'request_body_invalid', 'The body is not valid JSON.');
  }
}
