namespace Scheduler.Simulation.Tests;

/// <summary>What a flush makes durable, and what a power cut leaves.</summary>
public sealed class SectorMediaTests
{
    private readonly SectorMedia _media = new(4);

    [Fact]
    public void A_flush_covers_what_had_completed_by_then_and_no_more()
    {
        VolatileWrite first = new();
        VolatileWrite second = new();
        _media.Write(0, 1, first);
        _media.Write(1, 1, first);
        _media.Complete(first);
        long begun = _media.Completions;
        _media.Write(0, 2, second);
        _media.Complete(second);
        _media.Flush(begun);
        Assert.Equal([1UL, 1UL], [_media.Durable(0), _media.Durable(1)]);
        Assert.Equal(2UL, _media.Newest(0));
        Assert.Equal(1, _media.DirtySectors);
    }

    [Fact]
    public void A_durable_write_replaces_what_is_in_the_cache_of_its_sector_only()
    {
        VolatileWrite write = new();
        _media.Write(0, 1, write);
        _media.Write(1, 1, write);
        _media.WriteDurable(0, 2);
        Assert.Equal([2UL, 0UL], [_media.Durable(0), _media.Durable(1)]);
        Assert.Equal([2UL, 1UL], [_media.Newest(0), _media.Newest(1)]);
    }

    [Fact]
    public void A_power_cut_leaves_any_sectors_of_a_write_and_any_version_of_a_sector()
    {
        HashSet<(ulong, ulong)> left = [];
        for (int seed = 0; seed < 200; seed++)
        {
            SectorMedia media = new(2);
            foreach (ulong stamp in new ulong[] { 1, 2 })
            {
                VolatileWrite write = new();
                media.Write(0, stamp, write);
                media.Write(1, stamp, write);
            }

            media.LoseCache(new Random(seed));
            Assert.Equal(0, media.DirtySectors);
            Assert.Equal(media.Durable(0), media.Newest(0));
            _ = left.Add((media.Durable(0), media.Durable(1)));
        }

        Assert.Equal(9, left.Count);
    }
}
