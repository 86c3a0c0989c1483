<?php

/**
 * Runs commands through the pool of this worker: one, several together, a transaction.
 */

declare(strict_types=1);

require __DIR__ . '/../../bindings-c/php/autoload.php'; // with Composer: vendor/autoload.php

use Sentinelle\Pipeline;
use Sentinelle\Pool;

$pool = Pool::shared($argv[1] ?? 'redis+sentinel://127.0.0.1:26379/mymaster');

$pool->set('greeting', 'hello', 'EX', 60);
echo $pool->get('greeting'), "\n";

$pool->hset('cart:7', ['apples' => 3, 'pears' => 2]);
print_r($pool->hgetall('cart:7'));

[$visits, $greeting] = $pool->transaction(fn (Pipeline $together) => $together->incr('visits')->get('greeting'));
echo "$greeting, visitor $visits\n";
