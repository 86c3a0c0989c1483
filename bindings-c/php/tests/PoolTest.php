<?php

declare(strict_types=1);

namespace Sentinelle\Tests;

use Sentinelle\Exception;
use Sentinelle\Outcome;
use Sentinelle\Pipeline;
use Sentinelle\Pool;

final class PoolTest extends GroupCase
{
    private static Pool $pool;

    public static function setUpBeforeClass(): void
    {
        parent::setUpBeforeClass();
        self::$pool = new Pool(self::$group->url() . '?timeout_ms=60000');
    }

    protected function setUp(): void
    {
        self::$pool->flushall();
    }

    public function test_replies_are_values_of_php(): void
    {
        $this->assertSame('OK', self::$pool->set('k', "a\0b\xff"));
        $this->assertSame("a\0b\xff", self::$pool->get('k'));
        $this->assertNull(self::$pool->get('nobody'));
        $this->assertSame(5, self::$pool->incrby('counter', 5));
        $this->assertSame(3, self::$pool->rpush('list', ['a', 'b', 'c']));
        $this->assertSame(['a', 'b', 'c'], self::$pool->lrange('list', 0, -1));
        $this->assertSame(2, self::$pool->hset('hash', ['name' => 'cart', 'size' => 2]));
        $this->assertSame(['name' => 'cart', 'size' => '2'], self::$pool->hgetall('hash'));
        $this->assertSame([], self::$pool->lrange('empty', 0, -1));
        $this->assertSame('', self::$pool->getset('empty', '') ?? '');
    }

    public function test_floats_keep_all_their_digits(): void
    {
        self::$pool->set('f', 0.1 + 0.2);
        self::$pool->zadd('z', 1.5, 'member');

        $this->assertSame('0.30000000000000004', self::$pool->get('f'));
        $this->assertEquals(1.5, self::$pool->zscore('z', 'member'));
    }

    public function test_a_value_may_be_large(): void
    {
        $large = random_bytes(3 << 20);

        self::$pool->set('large', $large);

        $this->assertTrue(self::$pool->get('large') === $large);
        $this->assertSame('OK', self::$pool->set('small', 'v'));
    }

    public function test_an_error_reply_is_thrown(): void
    {
        self::$pool->set('k', 'text');
        try {
            self::$pool->incr('k');
            $this->fail('it is refused');
        } catch (Exception\ServerException $exception) {
            $this->assertSame('ERR', $exception->serverCode);
            $this->assertSame(Outcome::Rejected, $exception->outcome);
        }
    }

    public function test_an_argument_that_is_no_text_is_refused(): void
    {
        foreach ([null, true, new \stdClass(), [[1]]] as $argument) {
            try {
                self::$pool->set('k', $argument);
                $this->fail('it is refused');
            } catch (Exception\ArgumentException $exception) {
                $this->assertSame(-1, $exception->getCode());
            }
        }
    }

    public function test_a_command_has_a_time_limit(): void
    {
        $begin = hrtime(true);
        try {
            self::$pool->execute(['BLPOP', 'nothing', 60], 200);
            $this->fail('it takes longer');
        } catch (Exception\TimeoutException) {
            $this->assertLessThan(50e9, hrtime(true) - $begin);
        }
    }

    public function test_commands_are_sent_together(): void
    {
        $replies = self::$pool->pipeline(function (Pipeline $pipeline): void {
            $pipeline->set('a', 'text')->incr('a');
            $pipeline->get('a');
        });

        $this->assertSame(['OK', 'text'], [$replies[0], $replies[2]]);
        $this->assertInstanceOf(Exception\ServerException::class, $replies[1]);
        $this->assertSame([], self::$pool->pipeline(fn () => null));
    }

    public function test_a_transaction_is_all_or_none(): void
    {
        $replies = self::$pool->transaction(fn (Pipeline $pipeline) => $pipeline->incr('n')->incrby('n', 4)->get('n'));

        $this->assertSame([1, 5, '5'], $replies);
    }

    public function test_a_watched_key_spoils_the_transaction(): void
    {
        self::$pool->set('stock', 5);
        $connection = self::$pool->checkout();

        $connection->watch('stock');
        self::$pool->set('stock', 4);
        $connection->multi();
        $this->assertSame('QUEUED', $connection->set('stock', 3));

        $this->assertNull($connection->exec());
        $this->assertSame('4', self::$pool->get('stock'));
        $this->assertTrue($connection->isCurrent());
        $connection->release();
        $this->expectException(Exception\HandleException::class);
        $connection->ping();
    }

    public function test_messages_are_pulled(): void
    {
        $subscription = self::$pool->listen(['news'], ['user.*']);

        self::$pool->publish('news', 'first');
        self::$pool->publish('user.7', 'second');

        $first = $subscription->next(60000);
        $second = $subscription->next(60000);
        $this->assertSame(['message', 'news', null, 'first'], [$first->kind, $first->channel, $first->pattern, $first->payload]);
        $this->assertSame(
            ['pmessage', 'user.7', 'user.*', 'second'],
            [$second->kind, $second->channel, $second->pattern, $second->payload],
        );
        $this->assertNull($subscription->next(20));
    }

    public function test_a_worker_has_one_pool_for_the_same_options(): void
    {
        $url = self::$group->url();

        $this->assertSame(Pool::shared($url), Pool::shared($url));
        $this->assertNotSame(Pool::shared($url), Pool::shared($url . '?db=1'));
    }

    public function test_a_pool_may_be_opened_by_options(): void
    {
        $sentinels = array_map(fn (int $index): string => self::$group->address("sentinel-$index"), [0, 1, 2]);

        $pool = new Pool(['sentinels' => $sentinels, 'master' => 'shop', 'timeout_ms' => 60000, 'client_name' => 'php']);

        $this->assertSame('PONG', $pool->ping());
        $this->assertSame('php', $pool->client('GETNAME'));
        $this->assertIsArray($pool->stats());
        $pool->close();
        $this->expectException(Exception\StoppedException::class);
        $pool->ping();
    }

    public function test_a_master_that_nobody_knows_is_told_with_evidence(): void
    {
        $pool = new Pool(['sentinels' => self::$group->address('sentinel-0'), 'master' => 'nobody', 'timeout_ms' => 3000]);
        try {
            $pool->ping();
            $this->fail('nobody knows it');
        } catch (Exception\MasterUnknownException $exception) {
            $this->assertNotSame([], $exception->evidence);
        }
    }
}
