<?php

declare(strict_types=1);

namespace Sentinelle\Tests;

use Sentinelle\Exception\ConnectionException;
use Sentinelle\RedisSentinel;

final class RedisSentinelTest extends GroupCase
{
    private RedisSentinel $ours;

    protected function setUp(): void
    {
        $this->ours = new RedisSentinel('127.0.0.1', $this->port());
    }

    private function port(): int
    {
        return (int) explode(':', self::$group->address('sentinel-0'))[1];
    }

    public function test_it_answers_as_the_extension_does(): void
    {
        if (!class_exists('RedisSentinel', false)) {
            $this->markTestSkipped('php-redis is not installed');
        }
        $theirs = new \RedisSentinel('127.0.0.1', $this->port());
        // What changes between two questions.
        $steady = fn (array $row): array => array_filter(
            $row,
            fn (string $key): bool => in_array($key, ['name', 'ip', 'port', 'runid', 'quorum', 'num-slaves'], true),
            ARRAY_FILTER_USE_KEY,
        );

        $this->assertSame($theirs->ping(), $this->ours->ping());
        $this->assertSame($theirs->getMasterAddrByName('shop'), $this->ours->getMasterAddrByName('shop'));
        // Versions of the extension say false or an empty array.
        $this->assertSame($theirs->getMasterAddrByName('nobody') ?: false, $this->ours->getMasterAddrByName('nobody'));
        $this->assertSame($theirs->ckquorum('shop'), $this->ours->ckquorum('shop'));
        $this->assertSame($theirs->master('nobody'), $this->ours->master('nobody'));
        $this->assertSame(array_keys($theirs->master('shop')), array_keys($this->ours->master('shop')));
        $this->assertSame($steady($theirs->master('shop')), $steady($this->ours->master('shop')));
        foreach (['slaves', 'sentinels'] as $method) {
            $rows = fn (array $rows): array => array_map($steady, $rows);
            $this->assertEqualsCanonicalizing($rows($theirs->$method('shop')), $rows($this->ours->$method('shop')));
        }
        $this->assertSame(count($theirs->masters()), count($this->ours->masters()));
        $this->assertSame($theirs->reset('nobody*'), $this->ours->reset('nobody*'));
    }

    public function test_a_failover_is_ordered_and_followed(): void
    {
        $before = $this->ours->getMasterAddrByName('shop');

        $this->assertTrue($this->ours->failover('shop'));
        self::$group->wait('switched');
        self::$group->wait('agreement');

        $after = $this->ours->getMasterAddrByName('shop');
        $this->assertNotSame($before, $after);
        $this->assertSame(self::$group->address('master'), implode(':', $after));
    }

    public function test_the_next_sentinel_is_asked_when_one_is_gone(): void
    {
        $sentinels = new RedisSentinel('127.0.0.1:1,' . self::$group->address('sentinel-1'));

        $this->assertTrue($sentinels->ping());
        $this->assertCount(2, $sentinels->slaves('shop'));
    }

    public function test_sentinels_that_are_gone_are_an_exception(): void
    {
        $this->expectException(ConnectionException::class);

        (new RedisSentinel(['host' => '127.0.0.1', 'port' => 1, 'connectTimeout' => 0.2]))->ping();
    }
}
