using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Scheduler.Actors;
using Scheduler.Xen.Blkif;
using Xunit.Abstractions;

namespace Scheduler.Xen.Tests;

/// <summary>
/// Any entry at all, over pages of any bytes: never an exception, and what is let through lies on the disk, in the guest's pages and
/// within the bounds. FUZZ_INPUTS sets the number of inputs, FUZZ_SEED the first seed.
/// </summary>
public class FuzzTests(ITestOutputHelper log)
{
    private static readonly int Inputs = Setting("FUZZ_INPUTS", 20_000);
    private static readonly int Seed = Setting("FUZZ_SEED", 1);

    private static readonly ulong[] Sectors = [0, 1, 8, 2047, 2048, 4095, 1UL << 54, 1UL << 55, 1UL << 63, ulong.MaxValue - 7, ulong.MaxValue];

    [Fact]
    public void Requests_take_any_bytes()
    {
        log.WriteLine($"FUZZ_SEED={Seed} FUZZ_INPUTS={Inputs}");
        Dictionary<string, int> ends = [];
        for (int i = 0; i < Inputs; i++)
        {
            int seed = unchecked(Seed + i);
            Random random = new(seed);
            TestPages pages = new(random.Next(1, 5));
            byte[] entry = Make(random, pages);
            try
            {
                CollectionsMarshal.GetValueRefOrAddDefault(ends, Play(random, pages, entry), out _)++;
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"FUZZ_SEED={seed} FUZZ_INPUTS=1 repeats it: {Convert.ToHexStringLower(entry)}", e);
            }
        }

        foreach ((string end, int times) in ends.OrderBy(e => e.Key))
            log.WriteLine($"{times,9} {end}");
        Assert.Contains(ends.Keys, end => end.StartsWith("0 BarrierWrite", StringComparison.Ordinal));
    }

    private static byte[] Make(Random random, TestPages pages)
    {
        byte[] entry = new byte[BlkifAbi.EntryBytes];
        random.NextBytes(entry);
        foreach (byte[] page in pages.Pages)
        {
            if (random.Next(4) == 0)
                random.NextBytes(page);
            else
                Segments(random, page, 512, pages);
        }

        if (random.Next(8) == 0)
            return entry;

        // Mostly nearly right: the operation, a number of segments, a place.
        entry[0] = (byte)random.Next(8);
        entry[1] = (byte)(entry[0] == BlkifAbi.Indirect ? random.Next(4) : random.Next(14));
        BinaryPrimitives.WriteUInt64LittleEndian(entry.AsSpan(16), random.Next(2) == 0 ? (ulong)random.Next(2048) : Sectors[random.Next(Sectors.Length)]);
        if (entry[0] == BlkifAbi.Indirect)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(entry.AsSpan(2), (ushort)random.Next(260));
            BinaryPrimitives.WriteUInt32LittleEndian(entry.AsSpan(28), (uint)random.Next(pages.Pages.Length + 1));
        }
        else if (entry[0] == BlkifAbi.Discard)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(entry.AsSpan(24), random.Next(2) == 0 ? (ulong)random.Next(2048) : Sectors[random.Next(Sectors.Length)]);
        }
        else
        {
            Segments(random, entry.AsSpan(24), 11, pages);
        }

        return entry;
    }

    private static void Segments(Random random, Span<byte> list, int count, TestPages pages)
    {
        for (int i = 0; i < count; i++)
        {
            bool odd = random.Next(100) == 0;
            byte first = (byte)(random.Next(4) == 0 ? random.Next(8) : 0);
            Entry.Segment(list[(i * 8)..], odd
                ? ((uint)random.Next(), (byte)random.Next(256), (byte)random.Next(256))
                : ((uint)random.Next(pages.Pages.Length), first, (byte)random.Next(first, 8)));
        }
    }

    private static string Play(Random random, TestPages pages, byte[] entry)
    {
        BlkifDisk disk = new(1 << 20, random.Next(2) == 0 ? 512 : 4096, (RingOrder)random.Next(8));
        byte[] before = [.. entry];
        BlkifRequest request = Entry.Parse(entry, disk, pages, out BlkifSegment[] segments);

        Assert.Equal(before, entry);
        Assert.InRange(pages.Copies, 0, 1);
        Assert.InRange(request.Status, BlkifAbi.NotSupported, BlkifAbi.Okay);
        if (request.Status != 0)
            return $"{request.Status}";
        switch (request.Mapped.Op)
        {
            case RingOp.Flush or RingOp.EmptyBarrier:
                Assert.Equal((0L, 0L, 0), (request.Offset, request.Length, request.Segments));
                break;
            default:
                Assert.InRange(request.Offset, 0, disk.Size - 1);
                Assert.InRange(request.Length, disk.Block, disk.Size - request.Offset);
                Assert.Equal(0, (request.Offset | request.Length) % disk.Block);
                break;
        }

        if (request.Mapped.Op is RingOp.Read or RingOp.Write or RingOp.BarrierWrite)
        {
            Assert.InRange(request.Length, disk.Block, BlkifAbi.TransferBytesMax);
            Assert.Equal(request.Length, segments.Sum(segment => (long)segment.Bytes));
            Assert.All(segments, segment => Assert.True(segment.Grant < pages.Pages.Length && segment.At >= 0 && segment.Bytes > 0 && segment.At + segment.Bytes <= 4096));
        }

        return $"0 {request.Mapped.Op}{(request.Mapped.FlushFirst ? " after a flush" : "")}";
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), out int value) ? value : otherwise;
}
