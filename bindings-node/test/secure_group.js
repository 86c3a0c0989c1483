// A master and a sentinel that speak TLS alone, each side with an authority and a password of its own.
'use strict';

const { execFileSync, spawn } = require('node:child_process');
const { once } = require('node:events');
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

const NAME = 'secure';
const PASSWORDS = { data: 'of-the-data', sentinel: 'of-the-sentinel' };

/** How often another port is tried when one is taken. */
const MOST_PORTS = 20;

class SecureGroup {
  static async start() {
    const group = new SecureGroup();
    try {
      group.certify('data');
      group.certify('sentinel');
      writeFileSync(group.path('both.crt'), group.authority('data') + group.authority('sentinel'));
      group.master = await group.run('redis-server', 'data', [`requirepass ${PASSWORDS.data}`, `masterauth ${PASSWORDS.data}`, 'save ""']);
      group.sentinel = await group.run('redis-sentinel', 'sentinel', [
        `requirepass ${PASSWORDS.sentinel}`,
        `sentinel monitor ${NAME} 127.0.0.1 ${group.master.port} 1`,
        `sentinel auth-pass ${NAME} ${PASSWORDS.data}`,
      ]);
      return group;
    } catch (error) {
      await group.stop();
      throw error;
    }
  }

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'sentinelle-secure-'));
    this.name = NAME;
    this.passwords = PASSWORDS;
    this.processes = [];
  }

  path(file) {
    return join(this.folder, file);
  }

  /** The certificate that signs those of one side. */
  authority(side) {
    return readFileSync(this.path(`${side}-ca.crt`), 'utf8');
  }

  /** An authority for one side, and a certificate for its servers. */
  certify(side) {
    const openssl = (...args) => execFileSync('openssl', args, { cwd: this.folder, stdio: 'pipe' });
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    const constraint = ['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign'];
    openssl('req', '-x509', ...key, '-keyout', `${side}-ca.key`, '-out', `${side}-ca.crt`, '-subj', `/CN=${side} authority`, '-days', '2', ...constraint);
    openssl('req', ...key, '-keyout', `${side}.key`, '-out', `${side}.csr`, '-subj', `/CN=${side}`);
    writeFileSync(this.path(`${side}.ext`), 'subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n');
    const signs = ['-CA', `${side}-ca.crt`, '-CAkey', `${side}-ca.key`, '-CAcreateserial', '-days', '2', '-extfile', `${side}.ext`];
    openssl('x509', '-req', '-in', `${side}.csr`, '-out', `${side}.crt`, ...signs);
  }

  /** Starts a server that listens with TLS alone, on a port that nobody had. */
  async run(program, side, lines) {
    for (let attempt = 1; ; attempt++) {
      // Below the ports that the system gives to connections.
      const port = 20_000 + Math.floor(Math.random() * 10_000);
      const file = this.path(`${side}.conf`);
      const tls = [`tls-cert-file ${this.path(`${side}.crt`)}`, `tls-key-file ${this.path(`${side}.key`)}`];
      const own = ['bind 127.0.0.1', 'port 0', `tls-port ${port}`, ...tls, `tls-ca-cert-file ${this.path('both.crt')}`];
      writeFileSync(file, [...own, 'tls-auth-clients no', 'tls-replication yes', `dir ${this.folder}`, ...lines, ''].join('\n'));
      const child = spawn(program, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
      this.processes.push(child);
      if (await isUp(child)) return { host: '127.0.0.1', port };
      if (attempt === MOST_PORTS) throw new Error(`${program} does not start`);
    }
  }

  async stop() {
    for (const child of this.processes) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Whether a server says that it is ready, before it ends. */
function isUp(child) {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
      if (/Ready to accept connections|\+monitor master/.test(text)) resolve(true);
    });
    child.once('error', reject);
    child.once('exit', () => resolve(false));
  });
}

module.exports = { SecureGroup };
