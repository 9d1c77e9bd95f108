/**
 * options: command lines of the offline Clerk.
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');

/** Shared by the server and `scripts/token`, so that both use one key. */
export const DEFAULT_STATE_DIR = path.join(ROOT, '.clerk-dev');

/** The command line is wrong; the message is for people. */
export class UsageError extends Error {}

/** @param {string} text @param {string} name @param {number} min @param {number} max */
export function wholeNumber(text, name, min, max) {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (!(value >= min && value <= max)) {
    throw new UsageError(`${name} must be a whole number from ${min} to ${max}`);
  }
  return value;
}

/** @param {string[]} args @param {import('node:util').ParseArgsConfig} config */
export function parse(args, config) {
  try {
    return parseArgs({ args, ...config });
  } catch (error) {
    throw new UsageError(error.message);
  }
}

/**
 * Runs a command and turns what it throws into words and an exit code: 2 for a wrong command line.
 * @param {() => Promise<void> | void} command @param {string} usage
 */
export async function runCommand(command, usage) {
  try {
    await command();
  } catch (error) {
    const wrongUse = error instanceof UsageError;
    console.error(wrongUse ? `${error.message}\n${usage}` : error.message);
    process.exitCode = wrongUse ? 2 : 1;
  }
}
