namespace Scheduler.Storage;

/// <summary>
/// The answer to <see cref="DeviceOp.Status"/>, in native memory: a count, then runs of bytes, in order, that begin at the
/// request's offset and may end before or at its end. There is at least one run. A run is data or a hole; a hole reads as zeroes.
/// </summary>
/// <remarks>Layout: u64 count, then <see cref="RunsMax"/> times u64 (bit 63: hole; bits 0-62: length in bytes).</remarks>
public static unsafe class AllocationMap
{
    /// <summary>Bytes of the buffer that a status request needs.</summary>
    public const int BufferBytes = 4096;

    /// <summary>Most runs that one answer holds; a longer map is cut there.</summary>
    public const int RunsMax = (BufferBytes / 8) - 1;

    private const ulong HoleBit = 1UL << 63;

    /// <summary>Makes the map empty.</summary>
    /// <param name="buffer">The request's buffer.</param>
    public static void Clear(nint buffer) => *(ulong*)buffer = 0;

    /// <summary>Number of runs.</summary>
    /// <param name="buffer">The request's buffer.</param>
    /// <returns>0 to <see cref="RunsMax"/>.</returns>
    public static int Count(nint buffer) => (int)*(ulong*)buffer;

    /// <summary>Appends a run, joining it to the one before if that is of the same kind.</summary>
    /// <param name="buffer">The request's buffer.</param>
    /// <param name="length">Bytes, above 0.</param>
    /// <param name="hole">Whether it is a hole.</param>
    /// <returns>False if the map is full; it is unchanged then.</returns>
    public static bool TryAdd(nint buffer, long length, bool hole)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        ulong* map = (ulong*)buffer;
        int count = (int)map[0];
        if (count > 0 && ((map[count] & HoleBit) != 0) == hole)
        {
            map[count] += (ulong)length;
            return true;
        }

        if (count == RunsMax)
            return false;
        map[count + 1] = (ulong)length | (hole ? HoleBit : 0);
        map[0] = (ulong)(count + 1);
        return true;
    }

    /// <summary>Reads one run.</summary>
    /// <param name="buffer">The request's buffer.</param>
    /// <param name="index">0 to <see cref="Count"/> - 1.</param>
    /// <returns>Its length in bytes, and whether it is a hole.</returns>
    public static (long Length, bool Hole) Run(nint buffer, int index)
    {
        ulong* map = (ulong*)buffer;
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)map[0]);
        ulong run = map[index + 1];
        return ((long)(run & ~HoleBit), (run & HoleBit) != 0);
    }
}
