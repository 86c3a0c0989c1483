<?php

/**
 * A request as a worker of FPM serves it: a write, a session, or a look at the worker's pool.
 */

declare(strict_types=1);

use Sentinelle\Exception\SentinelleException;
use Sentinelle\Pool;
use Sentinelle\SessionHandler;

require_once dirname(__DIR__, 2) . '/autoload.php'; // preloaded, it declares nothing anew

$answer = ['worker' => getmypid()];
try {
    $pool = Pool::shared($_GET['url']);
    if (isset($_GET['write'])) {
        $answer['added'] = $pool->sadd('requests', $_GET['write']);
    }
    if (isset($_GET['session'])) {
        ini_set('session.use_cookies', '0');
        ini_set('session.cache_limiter', '');
        session_set_save_handler(new SessionHandler($pool), true);
        session_id($_GET['session']);
        session_start();
        $answer['visits'] = $_SESSION['visits'] = ($_SESSION['visits'] ?? 0) + 1;
        session_write_close();
    }
    $answer['calls'] = $pool->stats()['calls'];
} catch (SentinelleException $exception) {
    $answer['failure'] = $exception->getMessage();
}
echo json_encode($answer);
