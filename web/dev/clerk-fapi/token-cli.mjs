/**
 * token-cli: prints a session token, straight from the key file; no server needs to run.
 */
import { loadKey } from './keys.mjs';
import { DEFAULT_STATE_DIR, parse, runCommand, UsageError, wholeNumber } from './options.mjs';
import { DEFAULT_ISSUER, DEFAULT_ORIGIN, DEFAULT_TTL_S, MAX_TTL_S, mintFor } from './tokens.mjs';

const USAGE = `usage: token EMAIL [--ttl S] [--origin URL] [--issuer URL] [--state-dir DIR]
  --ttl        seconds until it expires, ${DEFAULT_TTL_S}
  --origin     azp of the token, ${DEFAULT_ORIGIN}
  --issuer     iss of the token; $CLERK_ISSUER, or ${DEFAULT_ISSUER}
  --state-dir  where the key is, .clerk-dev at the top of the tree`;

const options = {
  ttl: { type: 'string', default: String(DEFAULT_TTL_S) },
  origin: { type: 'string', default: DEFAULT_ORIGIN },
  issuer: { type: 'string', default: process.env.CLERK_ISSUER || DEFAULT_ISSUER },
  'state-dir': { type: 'string', default: DEFAULT_STATE_DIR },
};

function main() {
  const { values, positionals } = parse(process.argv.slice(2), { options, allowPositionals: true });
  if (positionals.length !== 1) {
    throw new UsageError('one email address is needed');
  }
  const ttl = wholeNumber(values.ttl, '--ttl', 1, MAX_TTL_S);
  const { issuer, origin, 'state-dir': stateDir } = values;
  console.log(mintFor(loadKey(stateDir), positionals[0], { issuer, origin, ttl }).jwt);
}

await runCommand(main, USAGE);
