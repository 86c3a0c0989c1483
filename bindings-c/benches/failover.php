<?php

/**
 * How many acknowledged writes a planned failover loses, and how long the longest one waits, in ten groups.
 */

declare(strict_types=1);

require __DIR__ . '/../php/autoload.php';

use Sentinelle\Pool;
use Sentinelle\TestGroup;

foreach (['real', 'stock'] as $backend) {
    [$lost, $written, $longest] = [0, 0, 0];
    for ($round = 0; $round < 10; $round++) {
        $group = new TestGroup(['backend' => $backend, 'patience_ms' => 30000]);
        $pool = new Pool($group->url() . '?timeout_ms=10000');
        for ($number = 0; $number < 100; $number++) {
            $pool->sadd('writes', $number);
        }
        $old = $group->address('master');
        $group->fault('failover');
        for ($since = 0; $since < 100; $number++) {
            $begin = hrtime(true);
            $pool->sadd('writes', $number);
            $longest = max($longest, hrtime(true) - $begin);
            $moved = ($moved ?? false) || $number % 20 === 0 && $group->address('master') !== $old;
            $since += $moved ? 1 : 0;
        }
        unset($moved);
        $group->wait('agreement');
        $lost += $number - $group->command('master', 'SCARD', 'writes');
        $written += $number;
        $pool->close();
        $group->close();
    }
    printf("%-5s sentinels: %d of %d acknowledged writes lost, the longest took %d ms\n", $backend, $lost, $written, $longest / 1e6);
}
