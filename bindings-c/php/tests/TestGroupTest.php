<?php

declare(strict_types=1);

namespace Sentinelle\Tests;

use Sentinelle\Exception;
use Sentinelle\TestGroup;

final class TestGroupTest extends GroupCase
{
    protected function setUp(): void
    {
        self::$group->reset();
    }

    public function test_every_member_answers(): void
    {
        foreach (['master', 'replica', 'server-0', 'server-2', 'sentinel-0'] as $member) {
            $this->assertSame('PONG', self::$group->command($member, 'PING'));
        }
        $this->assertStringStartsWith('redis+sentinel://127.0.0.1:', self::$group->url());
        $this->assertSame('shop', self::$group->name());
    }

    public function test_a_write_reaches_the_replicas(): void
    {
        self::$group->command('master', 'SET', 'k', "a\0b");
        self::$group->wait('synced');

        $this->assertSame("a\0b", self::$group->command('replica', 'GET', 'k'));
    }

    public function test_a_killed_master_is_replaced(): void
    {
        $old = self::$group->address('master');

        self::$group->kill('master');
        self::$group->wait('agreement');

        $this->assertNotSame($old, self::$group->address('master'));
        $this->assertNotSame('', self::$group->logs('server-0'));
        $this->assertCount(3, self::$group->view()['sentinels']);
    }

    public function test_a_planned_failover_moves_the_master(): void
    {
        $old = self::$group->address('master');

        self::$group->failover();

        $this->assertNotSame($old, self::$group->address('master'));
    }

    public function test_a_reset_removes_all_data(): void
    {
        self::$group->command('master', 'SET', 'k', 'v');

        self::$group->reset();

        $this->assertSame(0, self::$group->command('master', 'DBSIZE'));
    }

    public function test_a_fault_it_does_not_know_is_refused(): void
    {
        $this->expectException(Exception\ConfigException::class);
        $this->expectExceptionMessage('burn');

        self::$group->fault('burn');
    }

    public function test_a_closed_group_says_so(): void
    {
        $other = new TestGroup(['replicas' => 0, 'sentinel_count' => 1, 'quorum' => 1, 'patience_ms' => 60000]);
        $other->close();

        $this->expectException(Exception\HandleException::class);
        $other->url();
    }
}
