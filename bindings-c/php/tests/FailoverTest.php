<?php

declare(strict_types=1);

namespace Sentinelle\Tests;

use Sentinelle\Exception\SentinelleException;
use Sentinelle\Outcome;
use Sentinelle\Pool;

/** Requests one after the other, as a worker of FPM serves them, while the group fails over. */
final class FailoverTest extends GroupCase
{
    protected function setUp(): void
    {
        self::$group->reset();
    }

    /** A request: its pool is the worker's, its write is acknowledged or it throws. */
    private static function request(int $number): void
    {
        Pool::shared(self::$group->url() . '?timeout_ms=60000')->sadd('requests', $number);
    }

    /** @return list<string> the requests that are at the master */
    private static function kept(): array
    {
        return self::$group->command('master', 'SMEMBERS', 'requests');
    }

    public function test_a_planned_failover_costs_no_request(): void
    {
        $old = self::$group->address('master');
        for ($number = 0; $number < 50; $number++) {
            self::request($number);
        }

        self::$group->fault('failover');
        $deadline = hrtime(true) + 60e9;
        for ($after = 0; $after < 50; $number++) {
            $this->assertLessThan($deadline, hrtime(true), 'no failover within a minute');
            self::request($number);
            $after += self::$group->address('master') === $old ? 0 : 1;
        }
        self::$group->wait('agreement');

        $this->assertEqualsCanonicalizing(range(0, $number - 1), array_map('intval', self::kept()));
    }

    public function test_a_killed_master_costs_no_request(): void
    {
        for ($number = 0; $number < 50; $number++) {
            self::request($number);
        }
        self::$group->wait('synced');

        self::$group->kill('master');
        for (; $number < 100; $number++) {
            self::request($number);
        }

        $this->assertEqualsCanonicalizing(range(0, 99), array_map('intval', self::kept()));
    }

    public function test_a_write_that_cannot_be_repeated_says_what_is_known_of_it(): void
    {
        $pool = Pool::shared(self::$group->url() . '?timeout_ms=60000');
        $pool->incr('counter');
        self::$group->wait('synced');

        self::$group->kill('master');
        $acknowledged = 1;
        $unknown = 0;
        while ($acknowledged < 30) {
            try {
                $pool->incr('counter');
                $acknowledged++;
            } catch (SentinelleException $exception) {
                $this->assertSame(Outcome::Unknown, $exception->outcome);
                $this->assertLessThan(5, ++$unknown);
            }
        }

        $counted = (int) $pool->get('counter');
        $this->assertGreaterThanOrEqual($acknowledged, $counted);
        $this->assertLessThanOrEqual($acknowledged + $unknown, $counted);
    }

    public function test_a_forked_worker_has_connections_of_its_own(): void
    {
        self::request(1);
        $code = '
            $url = getenv("URL");
            Sentinelle\Pool::shared($url)->set("parent", getmypid());
            if (($child = pcntl_fork()) === 0) {
                Sentinelle\Pool::shared($url)->set("child", getmypid());
                exit(0);
            }
            pcntl_waitpid($child, $status);
            echo pcntl_wexitstatus($status), " ", Sentinelle\Pool::shared($url)->get("child") === (string) $child ? "yes" : "no";';

        $this->assertSame('0 yes', said_by($code, [], ['URL' => self::$group->url() . '?timeout_ms=60000']));
    }
}
