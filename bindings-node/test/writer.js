// What the tests of clients have in common: writers that count what was acknowledged, and waits.
'use strict';

/** Waits until `holds` gives something truthy. */
async function until(holds, what, limit = 10_000) {
  const deadline = performance.now() + limit;
  for (;;) {
    const value = await holds();
    if (value) return value;
    if (performance.now() > deadline) throw new Error(`not in ${limit} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
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

  /** How many acknowledged writes `read` does not find. */
  async lost(read) {
    let lost = 0;
    for (const number of this.acknowledged) if ((await read(`${this.prefix}:${number}`)) !== String(number)) lost += 1;
    return lost;
  }

  /** When the first write after that moment was acknowledged. */
  firstAfter(moment) {
    return this.times.find((time) => time > moment);
  }
}

module.exports = { until, Writer };
