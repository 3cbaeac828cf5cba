using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Scheduler.Xen.Blkif;
using Scheduler.Xen.Rings;

namespace Scheduler.Xen.Tests;

/// <summary>A ring whose other end does what it likes.</summary>
public sealed unsafe class BackRingTests : IDisposable
{
    private const int Entries = 32;

    private readonly byte* _memory = (byte*)NativeMemory.AllocZeroed(4096);
    private readonly BackRing _ring;
    private readonly byte[] _copy = new byte[112];
    private readonly Queue<int> _records = new();

    public BackRingTests() => _ring = new BackRing((nint)_memory, new InFlightTable(Entries));

    public void Dispose() => NativeMemory.Free(_memory);

    [Fact]
    public void Requests_come_in_order_and_responses_go_back_into_their_places()
    {
        for (uint round = 0; round < 100; round++)
        {
            Send(round * 3, 3);
            Assert.Equal(3, _ring.Look());
            for (uint i = 0; i < 3; i++)
            {
                Take();
                Assert.Equal(1000 + (round * 3) + i, BinaryPrimitives.ReadUInt64LittleEndian(_copy.AsSpan(8)));
            }

            Assert.Equal((0, 3), (_ring.Look(), _ring.UnderWay));
            for (uint i = 0; i < 3; i++)
                Put(100 + i, 1, -1, 0);
            _ = _ring.Tell();
            Assert.Equal((round + 1) * 3, Index(8));
            byte* response = EntryAt((round * 3) + 2);
            Assert.Equal((102UL, (byte)1, (short)-1), (*(ulong*)response, response[8], *(short*)(response + 10)));
        }
    }

    [Fact]
    public void A_request_is_a_copy()
    {
        Send(0, 1);
        _ = _ring.Look();
        Take();
        *(ulong*)(EntryAt(0) + 8) = 77;
        Assert.Equal(1000UL, BinaryPrimitives.ReadUInt64LittleEndian(_copy.AsSpan(8)));
    }

    [Theory]
    [InlineData(0, 33u)]
    [InlineData(0, uint.MaxValue)]
    [InlineData(0, 1u << 31)]
    [InlineData(5, 4u)]
    [InlineData(5, 0u)]
    [InlineData(5, 33u)]
    public void A_producer_that_runs_backwards_or_too_far_breaks_the_ring(int underWay, uint producer)
    {
        Send(0, (uint)underWay);
        Assert.Equal(underWay, _ring.Look());
        for (int i = 0; i < underWay; i++)
            Take();
        Index(0) = producer;
        Assert.Equal(-1, _ring.Look());
    }

    [Fact]
    public void S4_A_guest_that_takes_no_responses_has_never_more_under_way_than_there_are_entries()
    {
        uint sent = 0;
        for (int round = 0; round < 1000; round++)
        {
            Index(0) = sent += Entries;
            Assert.Equal(Entries, _ring.Look());
            for (int i = 0; i < Entries; i++)
                Take();
            Assert.Equal(Entries, _ring.UnderWay);
            for (int i = 0; i < Entries; i++)
                Put(0, 0, 0, 0);
            _ = _ring.Tell();
        }
    }

    [Fact]
    public void S3_A_response_without_a_request_is_a_defect() =>
        Assert.Throws<InvalidOperationException>(() => Put(0, 0, 0, 0));

    [Fact]
    public void The_guest_is_told_when_it_asked_for_it_and_asked_to_tell()
    {
        Send(0, 2);
        _ = _ring.Look();
        Take();
        Take();
        Assert.False(_ring.AskForMore());
        Assert.Equal(3u, Index(4));

        // It wants to hear of the second response.
        Index(12) = 2;
        Put(0, 0, 0, 1);
        Assert.False(_ring.Tell());
        Put(1, 0, 0, 2);
        Assert.True(_ring.Tell());
        Assert.False(_ring.Tell());

        Send(2, 1);
        Assert.True(_ring.AskForMore());
    }

    [Fact]
    public void O6_What_the_guest_had_heard_is_what_it_had_taken_before_it_sent()
    {
        // Three requests, two answered. The guest has sent a fourth before it took the responses.
        Send(0, 3);
        TakeAll();
        Put(1000, 0, 0, 10);
        Put(1001, 0, 0, 20);
        _ = _ring.Tell();
        Send(3, 1);
        Index(12) = 3;
        TakeAll();
        Assert.Equal(0, _ring.AnswersHeard);

        // What it sends from now on it sends knowing them.
        Send(4, 1);
        TakeAll();
        Assert.Equal(20, _ring.AnswersHeard);
    }

    [Fact]
    public void O6_A_guest_that_never_says_what_it_has_taken_has_taken_what_it_writes_over()
    {
        Index(12) = 1;
        uint sent = 0;
        for (; sent < Entries; sent++)
        {
            Send(sent, 1);
            TakeAll();
            Put(1000 + sent, 0, 0, sent + 1);
            _ = _ring.Tell();
            Assert.Equal(0, _ring.AnswersHeard);
        }

        Send(sent, 1);
        TakeAll();
        Assert.Equal(1, _ring.AnswersHeard);
    }

    [Fact]
    public void O6_A_guest_that_gives_a_number_again_has_taken_the_response_with_it()
    {
        for (uint i = 0; i < 10; i++)
        {
            // One at a time, always with number 5; nobody has looked between the response and the next request.
            Send(i, 1, number: 5);
            TakeAll();
            Assert.Equal(i, _ring.AnswersHeard);
            Put(5, 0, 0, i + 1);
            _ = _ring.Tell();
            Index(12) = i + 2;
        }
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(50u)]
    [InlineData(uint.MaxValue)]
    [InlineData(1u << 31)]
    public void O6_A_guest_that_says_it_has_taken_what_there_is_not_has_heard_nothing(uint asked)
    {
        Send(0, 2);
        TakeAll();
        Put(1000, 0, 0, 1);
        _ = _ring.Tell();
        Index(12) = asked;
        TakeAll();
        Send(2, 1);
        TakeAll();
        Assert.Equal(0, _ring.AnswersHeard);
    }

    private ref uint Index(int at) => ref *(uint*)(_memory + at);

    private byte* EntryAt(uint index) => _memory + 64 + (index % Entries * 112);

    // Numbers that no guest gives twice, unless there is one.
    private void Send(uint first, uint count, ulong? number = null)
    {
        for (uint i = 0; i < count; i++)
        {
            new Span<byte>(EntryAt(first + i), 112).Clear();
            *(ulong*)(EntryAt(first + i) + 8) = number ?? (1000 + first + i);
        }

        Index(0) = first + count;
    }

    private void TakeAll()
    {
        for (int count = _ring.Look(); count > 0; count--)
            Take();
    }

    private void Take() => _records.Enqueue(_ring.Take(_copy));

    private void Put(ulong id, byte operation, short status, long answers) =>
        _ring.Put(_records.TryDequeue(out int record) ? record : 0, id, operation, status, answers);
}
