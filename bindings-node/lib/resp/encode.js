// Decides how a command becomes bytes: text stays text until the socket, so that a whole tick is one write.
'use strict';

/** Beginnings of commands with few words, made once. */
const HEADERS = Array.from({ length: 16 }, (_, count) => `*${count}\r\n`);

/**
 * Packs a command.
 *
 * The result is a string, or a list of strings and buffers when an argument is a buffer.
 *
 * @param {readonly unknown[]} words strings, buffers, numbers or bigints
 * @returns {string | (string | Uint8Array)[]}
 */
function encode(words) {
  let text = words.length < HEADERS.length ? HEADERS[words.length] : `*${words.length}\r\n`;
  /** @type {(string | Uint8Array)[] | null} */
  let parts = null;
  for (let index = 0; index < words.length; index++) {
    const word = words[index];
    if (typeof word === 'string') {
      text += `$${byteLength(word)}\r\n${word}\r\n`;
    } else if (typeof word === 'number' || typeof word === 'bigint') {
      const digits = String(word);
      text += `$${digits.length}\r\n${digits}\r\n`;
    } else if (word instanceof Uint8Array) {
      parts ??= [];
      parts.push(`${text}$${word.byteLength}\r\n`, word);
      text = '\r\n';
    } else {
      const kind = word === null ? 'null' : typeof word;
      throw new TypeError(`word ${index} of the command is ${kind}; only strings, buffers, numbers and bigints can be sent`);
    }
  }
  if (parts === null) return text;
  parts.push(text);
  return parts;
}

/** The UTF-8 length; short words, nearly always ASCII, are counted without leaving JavaScript. @param {string} text */
function byteLength(text) {
  const length = text.length;
  if (length > 24) return Buffer.byteLength(text);
  for (let index = 0; index < length; index++) {
    if (text.charCodeAt(index) > 127) return Buffer.byteLength(text);
  }
  return length;
}

module.exports = { encode };
