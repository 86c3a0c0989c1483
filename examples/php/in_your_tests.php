<?php

/**
 * How a program is tested through a failover, against real servers on free ports: `phpunit in_your_tests.php`.
 */

declare(strict_types=1);

require_once __DIR__ . '/../../bindings-c/php/autoload.php'; // with Composer: vendor/autoload.php

use PHPUnit\Framework\TestCase;
use Sentinelle\TestGroup;

final class in_your_tests extends TestCase
{
    private static TestGroup $group;

    /** A master, two replicas, three sentinels, in sync and agreed after about a tenth of a second. */
    public static function setUpBeforeClass(): void
    {
        self::$group = new TestGroup(['patience_ms' => 30000]); // how long a wait that is in vain takes
    }

    public static function tearDownAfterClass(): void
    {
        self::$group->close();
    }

    /** Heals what the last test broke and removes its data, within milliseconds. */
    protected function setUp(): void
    {
        self::$group->reset();
    }

    public function test_an_order_survives_its_master(): void
    {
        self::$group->command('master', 'SET', 'order', '1'); // your program writes to self::$group->url()
        self::$group->wait('synced');

        self::$group->kill('master');
        self::$group->wait('agreement');

        $this->assertSame('1', self::$group->command('master', 'GET', 'order'));
    }

    public function test_a_silent_master_is_replaced(): void
    {
        $old = self::$group->address('master');

        self::$group->isolate('master');
        self::$group->wait('switched');

        $this->assertNotSame($old, self::$group->address('master'));
    }
}
