// What the tests of clients have in common: writers that count what was acknowledged, and waits.
'use strict';

/** Waits until `holds` gives something truthy; the limit only says when waiting has become pointless. */
async function until(holds, what, limit = 60_000) {
  const deadline = performance.now() + limit;
  for (;;) {
    const value = await holds();
    if (value) return value;
    if (performance.now() > deadline) throw new Error(`not in ${limit} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Waits until every sentinel is listened to by so many of our discoveries: what happens before that they may not hear. */
async function watched(group, listeners = 1) {
  // A discovery subscribes to some thirty channels; nobody else to that many.
  const listens = (line) => Number(/ sub=(\d+)/.exec(line)?.[1] ?? 0) >= 25;
  for (const sentinel of group.sentinels) {
    await until(
      async () =>
        String(await sentinel.command('CLIENT', 'LIST'))
          .split('\n')
          .filter(listens).length >= listeners,
      `${sentinel.member} is listened to`,
    );
  }
}

/** Writes `<prefix>:<n>` one after another until it is stopped; remembers what was acknowledged, and when. */
class Writer {
  constructor(prefix, write) {
    this.prefix = prefix;
    this.write = write;
    this.acknowledged = [];
    this.times = [];
    this.failed = 0;
    this.isStopped = false;
    this.done = this.loop();
  }

  async loop() {
    for (let number = 0; !this.isStopped; number++) {
      try {
        await this.write(`${this.prefix}:${number}`, String(number));
        this.acknowledged.push(number);
        this.times.push(performance.now());
      } catch {
        this.failed += 1;
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  async stop() {
    this.isStopped = true;
    await this.done;
  }

  /** The acknowledged writes that `read` does not find. */
  async losses(read) {
    const losses = [];
    for (const number of this.acknowledged) if ((await read(`${this.prefix}:${number}`)) !== String(number)) losses.push(number);
    return losses;
  }

  /** What came before and after an acknowledged write. */
  around(number) {
    const index = this.acknowledged.indexOf(number);
    const { times } = this;
    const span = (from, to) => Math.round(times[to] - times[from]);
    return `${number}: ${span(index - 1, index)} ms after the one before, ${span(index, index + 1)} ms before the next`;
  }

  /** When the first write after that moment was acknowledged. */
  firstAfter(moment) {
    return this.times.find((time) => time > moment);
  }
}

module.exports = { until, watched, Writer };
