using System.Buffers.Binary;

namespace Scheduler.Interop.Tests.Durability;

/// <summary>
/// What is known of a disk on which each write of a block bears a higher number than the one before: which numbers were
/// sent, which were acknowledged, and which must survive a power cut. Thread-safe.
/// </summary>
/// <remarks>Each sector tells its block and number, so that a block that was half written shows as such.</remarks>
internal sealed class PatternDisk(string name, long volumeOffset, int blocks)
{
    public const int BlockBytes = 4096;
    private const int SectorBytes = 512;
    private const ulong Magic = 0x7061747465726e73;

    private readonly Lock _lock = new();
    private readonly long[] _sent = new long[blocks];
    private readonly long[] _acknowledged = new long[blocks];
    private readonly long[] _durable = new long[blocks];
    private long _next;

    public string Name => name;

    public int Blocks => blocks;

    /// <summary>Numbers that a flush or a FUA reply has made durable, over all blocks and cuts.</summary>
    public long DurableCount { get; private set; }

    /// <summary>The next write of a block; one at a time for each.</summary>
    public (long Number, byte[] Data) Send(int block)
    {
        long number;
        lock (_lock)
            number = _sent[block] = ++_next;
        byte[] data = new byte[BlockBytes];
        for (int sector = 0; sector < BlockBytes; sector += SectorBytes)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(data.AsSpan(sector), Magic);
            BinaryPrimitives.WriteInt64LittleEndian(data.AsSpan(sector + 8), block);
            BinaryPrimitives.WriteInt64LittleEndian(data.AsSpan(sector + 16), number);
            data.AsSpan(sector + 24, SectorBytes - 24).Fill((byte)number);
        }

        return (number, data);
    }

    /// <summary>A write was answered without error.</summary>
    public void Acknowledged(int block, long number, bool fua)
    {
        lock (_lock)
        {
            _acknowledged[block] = number;
            if (fua)
                MakeDurable(block, number);
        }
    }

    /// <summary>What a flush that is sent now must cover: everything acknowledged, whoever wrote it.</summary>
    public long[] Covered()
    {
        lock (_lock)
            return [.. _acknowledged];
    }

    /// <summary>A flush was answered without error.</summary>
    public void Flushed(long[] covered)
    {
        lock (_lock)
        {
            for (int block = 0; block < blocks; block++)
                MakeDurable(block, covered[block]);
        }
    }

    /// <summary>After a cut: compares the platter with what must be there, and goes on from what is.</summary>
    /// <param name="raw">The platter.</param>
    /// <returns>What is wrong; and how many acknowledged but not durable blocks are gone, as they may.</returns>
    public (List<string> Wrong, int VolatileLost) Check(Stream raw)
    {
        List<string> wrong = [];
        int volatileLost = 0;
        byte[] data = new byte[BlockBytes];
        for (int block = 0; block < blocks; block++)
        {
            raw.Position = volumeOffset + ((long)block * BlockBytes);
            raw.ReadExactly(data);
            long lowest = long.MaxValue;
            for (int sector = 0; sector < BlockBytes; sector += SectorBytes)
            {
                long found = NumberOf(data.AsSpan(sector, SectorBytes), block);
                lowest = Math.Min(lowest, found);
                if (found < _durable[block] || found > _sent[block])
                {
                    wrong.Add($"disk {name} block {block} sector {sector / SectorBytes}: found number {found}, "
                        + $"durable was {_durable[block]}, acknowledged {_acknowledged[block]}, sent {_sent[block]}");
                }
            }

            if (lowest < _acknowledged[block])
                volatileLost++;

            // It is on the platter: it stays. What was not is forgotten; a block half written keeps its range.
            _durable[block] = _acknowledged[block] = Math.Max(0, lowest);
        }

        return (wrong, volatileLost);
    }

    /// <summary>The numbers that a block's sectors bear on the platter: 0 for one that was never written, -1 for what no write has left.</summary>
    /// <param name="raw">The platter.</param>
    /// <param name="block">Which.</param>
    public long[] Found(Stream raw, int block)
    {
        byte[] data = new byte[BlockBytes];
        raw.Position = volumeOffset + ((long)block * BlockBytes);
        raw.ReadExactly(data);
        return [.. Enumerable.Range(0, BlockBytes / SectorBytes).Select(sector => NumberOf(data.AsSpan(sector * SectorBytes, SectorBytes), block))];
    }

    private void MakeDurable(int block, long number)
    {
        if (_durable[block] >= number)
            return;
        _durable[block] = number;
        DurableCount++;
    }

    // 0 for a sector that was never written, -1 for anything that no write of this block has left.
    private static long NumberOf(ReadOnlySpan<byte> sector, int block)
    {
        if (!sector.ContainsAnyExcept((byte)0))
            return 0;
        long number = BinaryPrimitives.ReadInt64LittleEndian(sector[16..]);
        bool whole = BinaryPrimitives.ReadUInt64LittleEndian(sector) == Magic
            && BinaryPrimitives.ReadInt64LittleEndian(sector[8..]) == block
            && !sector[24..].ContainsAnyExcept((byte)number);
        return whole ? number : -1;
    }
}
