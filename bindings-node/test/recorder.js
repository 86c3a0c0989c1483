// A passage to a server that remembers what is said to it.
'use strict';

const { once } = require('node:events');
const net = require('node:net');

class Recorder {
  /** @param {{ host: string, port: number }} target */
  static async start(target) {
    const recorder = new Recorder(target);
    recorder.server.listen(0, '127.0.0.1');
    await once(recorder.server, 'listening');
    return recorder;
  }

  constructor({ host, port }) {
    this.text = '';
    /** In how many pieces it was said. */
    this.pieces = 0;
    this.sockets = new Set();
    this.server = net.createServer((near) => {
      const far = net.connect({ host, port });
      for (const socket of [near, far]) {
        this.sockets.add(socket);
        socket.on('error', () => socket.destroy());
      }
      near.on('data', (chunk) => {
        this.text += chunk.toString('latin1');
        this.pieces += 1;
      });
      near.pipe(far).pipe(near);
    });
  }

  get address() {
    const { address, port } = this.server.address();
    return { host: address, port };
  }

  heard(word) {
    return this.text.toLowerCase().includes(`\r\n${word}\r\n`);
  }

  /** What was said until now. */
  take() {
    const { text } = this;
    this.text = '';
    this.pieces = 0;
    return text;
  }

  async stop() {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }
}

module.exports = { Recorder };
