// Decides how commands queue: a ring that grows, never shifts, and can be looked into.
'use strict';

/** First in, first out; `at(0)` is the oldest. @template T */
class Fifo {
  constructor() {
    /** @type {(T | undefined)[]} */
    this.slots = new Array(16);
    this.mask = 15;
    this.head = 0;
    this.length = 0;
  }

  /** @param {T} item */
  push(item) {
    if (this.length === this.slots.length) this.grow();
    this.slots[(this.head + this.length) & this.mask] = item;
    this.length += 1;
  }

  /** @returns {T | undefined} */
  shift() {
    if (this.length === 0) return undefined;
    const item = this.slots[this.head];
    this.slots[this.head] = undefined;
    this.head = (this.head + 1) & this.mask;
    this.length -= 1;
    return item;
  }

  /** @param {number} index @returns {T} */
  at(index) {
    return /** @type {T} */ (this.slots[(this.head + index) & this.mask]);
  }

  /** Everything, in order; nothing stays. @returns {T[]} */
  drain() {
    const items = [];
    while (this.length > 0) items.push(/** @type {T} */ (this.shift()));
    return items;
  }

  grow() {
    const { slots, head } = this;
    this.slots = slots.slice(head).concat(slots.slice(0, head));
    this.slots.length = slots.length * 2;
    this.mask = this.slots.length - 1;
    this.head = 0;
  }
}

module.exports = { Fifo };
