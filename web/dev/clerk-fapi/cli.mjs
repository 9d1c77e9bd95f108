/**
 * cli: the offline Clerk as a process of its own.
 */
import { startServer, PREFIX } from './server.mjs';
import { DEFAULT_STATE_DIR, parse, runCommand, wholeNumber } from './options.mjs';
import { DEFAULT_ORIGIN } from './tokens.mjs';

const USAGE = `usage: cli.mjs [--port N] [--host H] [--state-dir DIR] [--issuer URL] [--origin URL]
  --port       5173; 0 lets the system choose
  --host       127.0.0.1; this machine only
  --state-dir  .clerk-dev at the top of the tree: the key, and the secret for ${PREFIX}/__emu/
  --issuer     iss of the tokens; http://localhost:<port>${PREFIX}
  --origin     azp of the tokens; ${DEFAULT_ORIGIN}`;

const options = {
  port: { type: 'string', default: '5173' },
  host: { type: 'string', default: '127.0.0.1' },
  'state-dir': { type: 'string', default: DEFAULT_STATE_DIR },
  issuer: { type: 'string' },
  origin: { type: 'string', default: DEFAULT_ORIGIN },
};

async function main() {
  const { values } = parse(process.argv.slice(2), { options });
  const port = wholeNumber(values.port, '--port', 0, 65535);
  const { host, issuer, origin, 'state-dir': stateDir } = values;
  const { server, keySetUrl } = await startServer({ host, port, stateDir, issuer, origin });
  console.log(`offline Clerk, for development only: ${keySetUrl}`);
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

await runCommand(main, USAGE);
