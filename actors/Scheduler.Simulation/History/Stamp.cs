namespace Scheduler.Simulation;

/// <summary>What is in a sector instead of bytes: who wrote it. 0 is zeroes.</summary>
internal static class Stamp
{
    // A request's buffer is a range of numbers, not memory: its request and the place within.
    private const int BufferBits = 21;
    private const int SectorBits = BufferBits - 9;

    /// <summary>Most bytes of a request.</summary>
    public const long RequestBytesMax = 1L << BufferBits;

    public static nint Buffer(int request) => (nint)((long)request << BufferBits);

    public static ulong Of(int request, int sectorOfRequest) => ((ulong)request << SectorBits) | (uint)sectorOfRequest;

    public static ulong OfBuffer(nint buffer) => (ulong)buffer >> 9;

    public static int Request(ulong stamp) => (int)(stamp >> SectorBits);

    public static int Sector(ulong stamp) => (int)(stamp & ((1UL << SectorBits) - 1));

    public static string Text(ulong stamp) => stamp == 0 ? "zeroes" : $"r{Request(stamp)}";
}
