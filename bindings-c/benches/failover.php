<?php

/**
 * From PHP: how soon a group is ready, how many acknowledged writes a planned failover loses, how long the longest one waits.
 */

declare(strict_types=1);

require __DIR__ . '/../php/autoload.php';

use Sentinelle\Pool;
use Sentinelle\TestGroup;

const ROUNDS = 20;

foreach (['real', 'stock'] as $backend) {
    [$lost, $written, $waited, $ready] = [0, 0, [], []];
    for ($round = 0; $round < ROUNDS; $round++) {
        $begin = hrtime(true);
        $group = new TestGroup(['backend' => $backend, 'patience_ms' => 30000]);
        $ready[] = (hrtime(true) - $begin) / 1e6;
        $pool = new Pool($group->url() . '?timeout_ms=10000');
        for ($number = 0; $number < 500; $number++) {
            $pool->sadd('writes', $number);
        }
        $old = $group->address('master');
        $group->fault('failover');
        [$longest, $has_moved] = [0, false];
        for ($since = 0; $since < 500; $number++) {
            $begin = hrtime(true);
            $pool->sadd('writes', $number);
            $longest = max($longest, (hrtime(true) - $begin) / 1e6);
            $has_moved = $has_moved || $number % 20 === 0 && $group->address('master') !== $old;
            $since += $has_moved ? 1 : 0;
        }
        $group->wait('agreement');
        $lost += $number - $group->command('master', 'SCARD', 'writes');
        $written += $number;
        $waited[] = $longest;
        $pool->close();
        $group->close();
    }
    sort($ready);
    sort($waited);
    printf(
        "PHP, %-5s sentinels: ready after %.0f ms, %d of %d acknowledged writes lost in %d failovers, the longest waited %.0f ms\n",
        $backend,
        $ready[ROUNDS / 2],
        $lost,
        $written,
        ROUNDS,
        $waited[ROUNDS / 2],
    );
}
