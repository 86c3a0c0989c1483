<?php

/**
 * How long a call takes from PHP: an empty one, a GET through the pool, and the same GET through phpredis, in turns.
 */

declare(strict_types=1);

require __DIR__ . '/../php/autoload.php';

use Sentinelle\Discovery;
use Sentinelle\Library;
use Sentinelle\Pool;

/** The median of eleven rounds, in nanoseconds a call. */
function median(callable $call, int $calls): float
{
    $rounds = [];
    for ($round = 0; $round < 11; $round++) {
        $begin = hrtime(true);
        for ($i = 0; $i < $calls; $i++) {
            $call();
        }
        $rounds[] = (hrtime(true) - $begin) / $calls;
    }
    sort($rounds);
    return $rounds[5];
}

$url = getenv('SENTINELLE_URL');
$pool = new Pool($url);
$pool->set('key', '0123456789abcdef');
$ffi = Library::ffi();

printf("an empty call              %8.1f ns\n", median(fn () => $ffi->snl_abi(), 100_000));
printf("GET, Sentinelle\\Pool       %8.1f us\n", median(fn () => $pool->get('key'), 3000) / 1000);
if (class_exists('Redis', false)) {
    [$host, $port] = explode(':', (new Discovery($url))->master('mymaster')->master);
    $redis = new Redis();
    $redis->connect($host, (int) $port);
    printf("GET, phpredis              %8.1f us\n", median(fn () => $redis->get('key'), 3000) / 1000);
}
