<?php

/**
 * Waits with stream_select for the master to move, beside whatever else an event loop watches.
 */

declare(strict_types=1);

require __DIR__ . '/../../bindings-c/php/autoload.php'; // with Composer: vendor/autoload.php

use Sentinelle\Discovery;

$discovery = new Discovery($argv[1] ?? 'redis+sentinel://127.0.0.1:26379/mymaster');
$stream = $discovery->eventStream();
echo "watching {$discovery->master($argv[2] ?? 'mymaster')->master}\n";

do {
    [$read, $write, $except] = [[$stream], null, null];
    if (stream_select($read, $write, $except, 30) === 0) {
        exit("nothing happened for 30 seconds\n");
    }
    // The stream is readable while an event waits, so all of them are taken.
    $switched = false;
    while (($event = $discovery->nextEvent(0)) !== null) {
        echo "$event->name $event->text\n";
        $switched = $switched || $event->name === 'switched';
    }
} while (!$switched);
