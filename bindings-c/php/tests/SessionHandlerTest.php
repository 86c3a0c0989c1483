<?php

declare(strict_types=1);

namespace Sentinelle\Tests;

use Sentinelle\Pool;
use Sentinelle\SessionHandler;

final class SessionHandlerTest extends GroupCase
{
    public function test_a_session_lives_from_request_to_request_and_through_a_failover(): void
    {
        $pool = Pool::shared(self::$group->url() . '?timeout_ms=60000');
        $handler = new SessionHandler($pool, 'test:', 1000);
        $this->assertSame('', $handler->read('id'));
        $this->assertFalse($handler->validateId('id'));

        $this->assertTrue($handler->write('id', 'cart|i:3;'));
        self::$group->wait('synced');
        self::$group->kill('master');

        $this->assertSame('cart|i:3;', $handler->read('id'));
        $this->assertTrue((new SessionHandler($pool, 'test:', 2000))->updateTimestamp('id', 'cart|i:3;'));
        $this->assertGreaterThan(1000, $pool->ttl('test:id'));
        $this->assertTrue($handler->destroy('id'));
        $this->assertSame('', $handler->read('id'));
    }

    public function test_php_itself_keeps_its_sessions_in_it(): void
    {
        $code = '
            ini_set("session.use_cookies", "0"); ini_set("session.cache_limiter", "");
            session_set_save_handler(new Sentinelle\SessionHandler(Sentinelle\Pool::shared(getenv("URL"))), true);
            session_id("abc"); session_start();
            echo $_SESSION["visits"] = ($_SESSION["visits"] ?? 0) + 1;';
        $env = ['URL' => self::$group->url() . '?timeout_ms=60000'];

        $this->assertSame(['1', '2'], [said_by($code, [], $env), said_by($code, [], $env)]);
    }
}
