// Decides where a sentinel's state is kept between two runs: nowhere, in a file, or wherever the program puts a text.
'use strict';

const { mkdtemp, readFile, rm, writeFile } = require('node:fs/promises');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

/**
 * @typedef {object} Persistence
 * @property {string | undefined} file the file the engine writes to
 * @property {string | undefined} text what was kept of the last run
 * @property {() => Promise<void>} save
 * @property {() => void} saveSoon
 * @property {() => void} remove
 * @property {(text: string) => void} onSaved told of each text that was kept
 * @property {(error: Error) => void} onFailed told when one could not be kept
 */

/** @param {any} options @returns {Promise<Persistence>} */
async function readPersistence({ persist, configFile }) {
  const nothing = { file: undefined, text: undefined, save: async () => {}, saveSoon: () => {}, remove: () => {}, onSaved: () => {}, onFailed: () => {} };
  if (persist === undefined) return { ...nothing, file: configFile };
  const text = configFile === undefined ? undefined : await readFile(configFile, 'utf8');
  if (persist === 'memory') return { ...nothing, text };
  if (persist.file) {
    const kept = await readFile(persist.file, 'utf8').catch(() => undefined);
    return { ...nothing, file: persist.file, text: kept ?? text };
  }
  return keepElsewhere(persist, text);
}

/** The engine writes a file of a temporary folder; each text it wrote is given to `save`. @param {any} persist @param {string | undefined} text @returns {Promise<Persistence>} */
async function keepElsewhere(persist, text) {
  const folder = await mkdtemp(join(tmpdir(), 'sentinelle-'));
  const file = join(folder, 'sentinel.conf');
  const kept = await persist.load();
  await writeFile(file, kept ?? text ?? '', { mode: 0o600 });
  let last = kept;
  const keep = async () => {
    const written = await readFile(file, 'utf8').catch(() => last);
    if (written === last || !written) return;
    await persist.save(written);
    last = written;
    kind.onSaved(written);
  };
  /** One after the other, so that no older text comes behind a newer one. */
  let turn = Promise.resolve();
  const save = () => {
    const next = turn.then(keep);
    turn = next.catch(() => {});
    return next;
  };
  let isDue = false;
  const saveSoon = () => {
    if (isDue) return;
    isDue = true;
    setImmediate(async () => {
      isDue = false;
      // What cannot be kept now is tried again with the next change, and at the end.
      await save().catch((error) => kind.onFailed(error));
    });
  };
  /** @type {Persistence} */
  const kind = {
    file,
    text: kept ?? text,
    save,
    saveSoon,
    remove: () => void rm(folder, { recursive: true, force: true }),
    onSaved: () => {},
    onFailed: () => {},
  };
  return kind;
}

module.exports = { readPersistence };
