<?php

declare(strict_types=1);

namespace Sentinelle\Tests;

use Sentinelle\Discovery;
use Sentinelle\Exception;

final class DiscoveryTest extends GroupCase
{
    private Discovery $discovery;

    protected function setUp(): void
    {
        $this->discovery = new Discovery(self::$group->url());
    }

    public function test_it_finds_the_master_and_its_surroundings(): void
    {
        $topology = $this->discovery->master('shop');

        $this->assertSame(self::$group->address('master'), $topology->master);
        $this->assertSame('shop', $topology->name);
        $this->assertGreaterThan(0, $topology->generation);
        $this->assertNotSame([], $topology->sentinels);
        $this->assertSame(['shop'], $this->discovery->masters());
        $this->assertSame([], $this->discovery->masters('x*'));
    }

    public function test_what_cannot_be_found_says_why(): void
    {
        try {
            $this->discovery->master('nobody', 3000);
            $this->fail('nobody knows it');
        } catch (Exception\MasterUnknownException $exception) {
            $this->assertNotSame([], $exception->evidence);
        }
        $this->expectException(Exception\SentinelsUnreachableException::class);
        (new Discovery(['sentinels' => '127.0.0.1:1']))->master('shop', 3000);
    }

    public function test_it_follows_a_failover(): void
    {
        $before = $this->discovery->master('shop');
        $stream = $this->discovery->eventStream();

        self::$group->failover();
        $after = $this->discovery->waitSwitch('shop', $before->generation, 60000);

        $this->assertNotSame($before->master, $after->master);
        $this->assertGreaterThan($before->epoch, $after->epoch);
        [$read, $write, $except] = [[$stream], null, null];
        $this->assertSame(1, stream_select($read, $write, $except, 60));
        $names = [];
        while (($event = $this->discovery->nextEvent(0)) !== null) {
            $names[] = $event->name;
        }
        $this->assertContains('switched', $names);
    }

    public function test_a_pool_stands_on_it(): void
    {
        $pool = $this->discovery->pool('shop', ['client_name' => 'over']);

        $this->assertSame('over', $pool->client('GETNAME'));
    }
}
