using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Scheduler.Xen.Blkif;
using Scheduler.Xen.Rings;

namespace Scheduler.Xen.Tests;

/// <summary>A ring that another process goes on with, whenever the earlier one was killed.</summary>
public sealed unsafe class InFlightTableTests : IDisposable
{
    private const int Entries = 32;

    private readonly string _directory = Directory.CreateTempSubdirectory("scheduler-test-").FullName;
    private readonly byte* _memory = (byte*)NativeMemory.AllocZeroed(4096);

    private string File => Path.Combine(_directory, "run", "1-51712-0");

    public void Dispose()
    {
        NativeMemory.Free(_memory);
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public void What_was_not_told_is_under_way_in_its_order()
    {
        InFlightTable table = InFlightTable.Make(File, "ring", Entries);
        BackRing ring = new((nint)_memory, table);
        Send(0, 6);
        int[] records = TakeAll(ring, [0, 1, 2, 3, 4, 5]);

        // The last one first, over the first one's entry; and one that the guest was not told of.
        ring.Put(records[5], 1005, 1, 0, 0);
        _ = ring.Tell();
        ring.Put(records[2], 1002, 1, 0, 0);
        Send(6, 2);
        new Span<byte>(_memory + 64, 112).Fill(0xff);

        // What the guest writes over the backend's own index means nothing.
        Index(8) = 77;
        BackRing next = new((nint)_memory, Taken());
        Assert.Equal((1u, 7), (Index(8), next.Look()));
        records = TakeAll(next, [0, 1, 2, 3, 4, 6, 7]);
        Assert.Equal((0, 7), (next.Look(), next.UnderWay));
        foreach (int record in records)
            next.Put(record, 0, 1, 0, 0);
        _ = next.Tell();
        Assert.Equal((8u, 0), (Index(8), next.UnderWay));
        Assert.Empty(Taken().Left);
    }

    /// <summary>At any moment: a copy of the file and of the ring is what a process leaves that is killed there.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void S3_Each_request_is_told_once_whatever_is_killed_when(int seed)
    {
        Random random = new(seed);
        InFlightTable table = InFlightTable.Make(File, "ring", Entries);
        BackRing ring = new((nint)_memory, table);
        List<(int Record, ulong Id)> underWay = [];
        Dictionary<ulong, int> told = [];
        uint sent = 0, heard = 0;
        for (int step = 0; step < 20_000; step++)
        {
            switch (random.Next(8))
            {
                case 0 or 1 when sent - heard < Entries:
                    Send(sent++, 1);
                    break;
                case 2 or 3:
                    for (int there = ring.Look(); there > 0; there--)
                        underWay.Add(Take(ring));
                    break;
                case 4 or 5 when underWay.Count > 0:
                    int place = random.Next(underWay.Count);
                    ring.Put(underWay[place].Record, underWay[place].Id, 1, 0, 0);
                    underWay.RemoveAt(place);
                    break;
                case 6:
                    _ = ring.Tell();
                    for (; heard != Index(8); heard++)
                    {
                        ulong id = *(ulong*)EntryAt(heard);
                        told[id] = told.GetValueOrDefault(id) + 1;
                    }

                    break;
                case 7 when random.Next(10) == 0:
                    table.Unmap();
                    table = Taken();
                    ring = new BackRing((nint)_memory, table);
                    underWay.Clear();
                    break;
            }
        }

        for (int there = ring.Look(); there > 0; there--)
            underWay.Add(Take(ring));
        underWay.ForEach(request => ring.Put(request.Record, request.Id, 1, 0, 0));
        _ = ring.Tell();
        for (; heard != Index(8); heard++)
            told[*(ulong*)EntryAt(heard)] = told.GetValueOrDefault(*(ulong*)EntryAt(heard)) + 1;
        Assert.Equal(sent, (uint)told.Count);
        Assert.All(told.Values, times => Assert.Equal(1, times));
    }

    [Fact]
    public void O6_That_a_write_has_failed_stands_there_until_what_was_sent_before_the_guest_heard_of_it_is_answered()
    {
        InFlightTable table = InFlightTable.Make(File, "ring", Entries);
        BackRing ring = new((nint)_memory, table);
        Send(0, 5);
        int[] records = TakeAll(ring, [0, 1, 2, 3, 4]);

        // What was refused, or what the guest was not told of, is no failure that it goes by.
        ring.Put(records[0], 1000, BlkifAbi.Write, BlkifAbi.Error, 0);
        _ = ring.Tell();
        Assert.False(table.HasFailed);
        ring.Put(records[1], 1001, BlkifAbi.Write, BlkifAbi.Error, 1, failed: true);
        Assert.False(Taken().HasFailed);
        _ = ring.Tell();
        Assert.True(Taken().HasFailed);

        // Sent before it heard; and what is sent after it did, with what was sent before still under way.
        Send(5, 1);
        Index(12) = 3;
        records = [.. records, .. TakeAll(ring, [5])];
        Send(6, 1);
        records = [.. records, .. TakeAll(ring, [6])];
        foreach (int before in (int[])[2, 4, 3])
        {
            ring.Put(records[before], 1000 + (ulong)before, BlkifAbi.Write, BlkifAbi.Okay, 2);
            _ = ring.Tell();
            Assert.True(Taken().HasFailed);
        }

        ring.Put(records[6], 1006, BlkifAbi.Write, BlkifAbi.Okay, 3);
        _ = ring.Tell();
        Assert.True(Taken().HasFailed);
        ring.Put(records[5], 1005, BlkifAbi.Write, BlkifAbi.Okay, 4);
        _ = ring.Tell();
        Assert.False(Taken().HasFailed);

        // Another one; the guest has nothing under way when it hears.
        Send(7, 1);
        records = TakeAll(ring, [7]);
        ring.Put(records[0], 1007, BlkifAbi.Write, BlkifAbi.Error, 5, failed: true);
        _ = ring.Tell();
        Index(12) = 9;
        Assert.Equal(0, ring.Look());
        Assert.True(table.HasFailed);
        Send(8, 1);
        _ = TakeAll(ring, [8]);
        Assert.False(table.HasFailed);
    }

    [Theory]
    [InlineData(3u, 2u, true)]
    [InlineData(2u, 2u, false)]
    [InlineData(3u, 3u, false)]
    [InlineData(0u, 2u, false)]
    public void O6_That_a_guest_has_heard_all_is_known_from_what_it_asks_for_and_has_sent(uint asked, uint sent, bool heard)
    {
        InFlightTable table = InFlightTable.Make(File, "ring", Entries);
        BackRing ring = new((nint)_memory, table);
        Send(0, 2);
        foreach (int record in TakeAll(ring, [0, 1]))
            ring.Put(record, 0, BlkifAbi.Write, BlkifAbi.Okay, 0);
        _ = ring.Tell();
        (Index(0), Index(12)) = (sent, asked);
        Assert.Equal(heard, BackRing.HasHeardAll((nint)_memory, Taken()));
    }

    [Fact]
    public void What_is_not_this_rings_or_has_ended_or_is_broken_is_not_taken()
    {
        Assert.Contains("run", Problem("ring", Entries), StringComparison.Ordinal);
        InFlightTable table = InFlightTable.Make(File, "ring", Entries);
        Assert.Equal("", Problem("ring", Entries));
        Assert.Contains("of another ring, ring", Problem("other", Entries), StringComparison.Ordinal);
        Assert.Contains("bytes", Problem("ring", 64), StringComparison.Ordinal);
        byte[] entry = new byte[112];
        fixed (byte* start = entry)
            _ = table.Add(start);
        byte[] bytes = System.IO.File.ReadAllBytes(File);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), 5);
        System.IO.File.WriteAllBytes(File, bytes);
        Assert.Contains("contradicts itself", Problem("ring", Entries), StringComparison.Ordinal);
        bytes[0]++;
        System.IO.File.WriteAllBytes(File, bytes);
        Assert.Contains("no table", Problem("ring", Entries), StringComparison.Ordinal);
        table = InFlightTable.Make(File, "ring", Entries);
        table.End();
        Assert.Contains("has ended", Problem("ring", Entries), StringComparison.Ordinal);
    }

    private string Problem(string name, int entries)
    {
        InFlightTable.Take(File, name, entries, out string problem)?.Unmap();
        return problem;
    }

    private InFlightTable Taken()
    {
        InFlightTable? table = InFlightTable.Take(File, "ring", Entries, out string problem);
        Assert.True(table is not null, problem);
        return table;
    }

    private (int Record, ulong Id) Take(BackRing ring)
    {
        byte[] copy = new byte[112];
        int record = ring.Take(copy);
        return (record, BinaryPrimitives.ReadUInt64LittleEndian(copy.AsSpan(8)));
    }

    private int[] TakeAll(BackRing ring, int[] ids)
    {
        Assert.Equal(ids.Length, ring.Look());
        (int Record, ulong Id)[] taken = [.. ids.Select(_ => Take(ring))];
        Assert.Equal(ids.Select(id => 1000UL + (ulong)id), taken.Select(request => request.Id));
        return [.. taken.Select(request => request.Record)];
    }

    private void Send(uint first, uint count)
    {
        for (uint i = first; i < first + count; i++)
            *(ulong*)(EntryAt(i) + 8) = 1000 + i;
        Index(0) = first + count;
    }

    private byte* EntryAt(uint index) => _memory + 64 + ((index % Entries) * 112);

    private ref uint Index(int at) => ref *(uint*)(_memory + at);
}
