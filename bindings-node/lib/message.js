// Decides what a sentinel's message says: who it is about, in which master's group.
'use strict';

/**
 * One message, read: `<role> <name> <host> <port> [@ <master> <host> <port>] ...`.
 *
 * @param {{ name: string, text: string }} event
 */
function readMessage({ name, text }) {
  const words = text.split(' ');
  const [role, instance, host, port, sign, master, masterHost, masterPort] = words;
  /** @type {any} */
  const message = { channel: name, payload: text };
  if (!/^(master|slave|sentinel)$/.test(role) || words.length < 4) return message;
  message.instance = { role, name: instance, host, port: Number(port) };
  if (sign === '@') message.master = { name: master, host: masterHost, port: Number(masterPort) };
  else if (role === 'master') message.master = { name: instance, host, port: Number(port) };
  return message;
}

module.exports = { readMessage };
