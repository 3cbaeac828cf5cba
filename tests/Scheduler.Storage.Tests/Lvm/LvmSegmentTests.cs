using Scheduler.Storage.Lvm;

namespace Scheduler.Storage.Tests.Lvm;

public sealed class LvmSegmentTests
{
    private const long Chunk = 64 << 10;

    private static readonly LvmSegment s_striped = new(
        1 << 20, 6 * Chunk, Chunk, [new LvmStripe(0, 1 << 20), new LvmStripe(1, 8 << 20), new LvmStripe(0, 4 << 20)]);

    [Fact]
    public void Chunks_go_to_the_stripes_in_turn() =>
        Assert.Equal(
            [
                new LvmExtent(1 << 20, 0, 1 << 20, Chunk),
                new LvmExtent((1 << 20) + Chunk, 1, 8 << 20, Chunk),
                new LvmExtent((1 << 20) + (2 * Chunk), 0, 4 << 20, Chunk),
                new LvmExtent((1 << 20) + (3 * Chunk), 0, (1 << 20) + Chunk, Chunk),
                new LvmExtent((1 << 20) + (4 * Chunk), 1, (8 << 20) + Chunk, Chunk),
                new LvmExtent((1 << 20) + (5 * Chunk), 0, (4 << 20) + Chunk, Chunk),
            ],
            s_striped.Extents());

    [Fact]
    public void A_range_ends_with_its_chunk()
    {
        Assert.Equal(new LvmExtent((1 << 20) + Chunk + 4096, 1, (8 << 20) + 4096, Chunk - 4096), s_striped.Map((1 << 20) + Chunk + 4096, Chunk));
        Assert.Equal(4096, s_striped.Map(1 << 20, 4096).Length);
    }

    [Fact]
    public void Nothing_outside_is_mapped()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => s_striped.Map((1 << 20) - 1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => s_striped.Map((1 << 20) + (6 * Chunk), 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => s_striped.Map(1 << 20, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new LvmSegment(0, 3 * Chunk, Chunk, [default, default]));
    }

    [Fact]
    public void A_terabyte_in_small_chunks_stays_small()
    {
        LvmSegment segment = new(0, 1L << 40, Chunk, [new LvmStripe(0, 1 << 20), new LvmStripe(1, 1 << 20)]);

        Assert.Equal(1L << 24, segment.ExtentCount);
        Assert.Equal(new LvmExtent((1L << 40) - 4096, 1, (1L << 39) + (1 << 20) - 4096, 4096), segment.Map((1L << 40) - 4096, 1 << 20));
    }
}
