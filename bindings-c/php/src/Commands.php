<?php

declare(strict_types=1);

namespace Sentinelle;

/**
 * Decides how a method becomes a command: its name is the command, its arguments are the words.
 *
 * `$pool->set('key', 'value')`, `$pool->hset('hash', ['a' => 1, 'b' => 2])`, `$pool->client('GETNAME')`.
 */
trait Commands
{
    /**
     * Runs a command of these words.
     *
     * @param list<mixed> $words
     * @param int $timeoutMs for all attempts; 0 for the pool's
     */
    abstract public function execute(array $words, int $timeoutMs = 0): mixed;

    /** @param list<mixed> $arguments */
    public function __call(string $name, array $arguments): mixed
    {
        return $this->execute([$name, ...$arguments]);
    }
}
