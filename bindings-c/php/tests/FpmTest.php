<?php

declare(strict_types=1);

namespace Sentinelle\Tests;

/** Requests that workers of PHP-FPM serve, while the master changes. */
final class FpmTest extends GroupCase
{
    private const WORKERS = 3;

    private static Fpm $fpm;
    private static int $next = 0;

    public static function setUpBeforeClass(): void
    {
        parent::setUpBeforeClass();
        self::$fpm = new Fpm(true, self::WORKERS);
    }

    public static function tearDownAfterClass(): void
    {
        self::$fpm->stop();
        parent::tearDownAfterClass();
    }

    protected function setUp(): void
    {
        self::$group->reset();
    }

    /**
     * As many requests at once as there are workers; each writes a number.
     *
     * @return list<array<string, mixed>>
     */
    private static function requests(): array
    {
        $queries = [];
        for ($worker = 0; $worker < self::WORKERS; $worker++) {
            $queries[] = ['url' => self::url(), 'write' => (string) self::$next++];
        }
        return self::$fpm->ask($queries);
    }

    /** Requests until each worker has served one: it watches the sentinels then. */
    private static function everyWorkerHasAPool(): void
    {
        $seen = [];
        for ($round = 0; count($seen) < self::WORKERS; $round++) {
            self::assertLessThan(10_000, $round);
            $seen += array_flip(array_column(self::requests(), 'worker'));
        }
    }

    private static function url(): string
    {
        return self::$group->url() . '?timeout_ms=30000';
    }

    /** @return list<int> the numbers that are at the master */
    private static function kept(): array
    {
        return array_map('intval', self::$group->command('master', 'SMEMBERS', 'requests'));
    }

    public function test_a_worker_keeps_its_pool_from_request_to_request(): void
    {
        $calls = [];
        for ($round = 0; $round < 20; $round++) {
            foreach (self::requests() as $answer) {
                $this->assertArrayNotHasKey('failure', $answer);
                $calls[$answer['worker']][] = $answer['calls'];
            }
        }

        $this->assertSame(20 * self::WORKERS, array_sum(array_map('count', $calls)));
        foreach ($calls as $counts) {
            // Each request is one more call of the same pool.
            $this->assertSame(range($counts[0], $counts[0] + count($counts) - 1), $counts);
        }
    }

    public function test_a_planned_failover_costs_no_request(): void
    {
        $first = self::$next;
        $old = self::$group->address('master');
        self::everyWorkerHasAPool();

        self::$group->fault('failover');
        $deadline = hrtime(true) + 60e9;
        do {
            $this->assertLessThan($deadline, hrtime(true), 'no failover within a minute');
            foreach (self::requests() as $answer) {
                $this->assertArrayNotHasKey('failure', $answer);
            }
        } while (self::$group->address('master') === $old);
        for ($round = 0; $round < 20; $round++) {
            self::requests();
        }
        self::$group->wait('agreement');

        $this->assertNotSame($old, self::$group->address('master'));
        $this->assertSame([], array_diff(range($first, self::$next - 1), self::kept()));
    }

    public function test_a_killed_master_costs_neither_request_nor_session(): void
    {
        $first = self::$next;
        $visit = fn (): array => self::$fpm->ask([['url' => self::url(), 'session' => 'abc']])[0];
        for ($round = 0; $round < 10; $round++) {
            self::requests();
        }
        $this->assertSame([1, 2], [$visit()['visits'], $visit()['visits']]);
        self::$group->wait('synced');

        self::$group->kill('master');
        foreach (self::requests() as $answer) {
            $this->assertArrayNotHasKey('failure', $answer);
        }

        $this->assertSame([3, 4], [$visit()['visits'], $visit()['visits']]);
        $this->assertSame([], array_diff(range($first, self::$next - 1), self::kept()));
    }

    public function test_without_preloading_a_worker_keeps_its_pool_too(): void
    {
        $other = new Fpm(false, 1);
        try {
            $ask = fn (): array => $other->ask([['url' => self::url(), 'write' => (string) self::$next++]])[0];
            [$first, $second, $third] = [$ask(), $ask(), $ask()];

            $this->assertSame($first['worker'], $third['worker']);
            $this->assertSame([$first['calls'] + 1, $first['calls'] + 2], [$second['calls'], $third['calls']]);
        } finally {
            $other->stop();
        }
    }
}
