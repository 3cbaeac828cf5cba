namespace Scheduler.Host.Configuration;

/// <summary>Checks one guest.</summary>
/// <param name="reader">Converts values and makes errors.</param>
internal sealed class GuestRules(SettingsReader reader)
{
    /// <summary>More 4 KiB reads a second than any device gives.</summary>
    private const long RateMax = 1_000_000_000;

    /// <summary>The largest NBD payload (32 MiB) must fit beside a little for small requests.</summary>
    private const long BufferMemoryMin = 33L << 20;

    public GuestSettings Check(string key, string name, GuestEntry entry)
    {
        GuestSettings guest = new()
        {
            Name = name,
            Weight = reader.Count(At("weight"), entry.Weight, 1, 10_000),
            Reservation = reader.Count(At("reservation"), entry.Reservation, 0, RateMax),
            Limit = reader.Count(At("limit"), entry.Limit, 0, RateMax),
            FlushLatencyMax = reader.Duration(
                At("flush-latency-max"), entry.FlushLatencyMax, TimeSpan.Zero, TimeSpan.FromMinutes(1)),
            UnflushedMax = reader.Size(At("unflushed-max"), entry.UnflushedMax, 1L << 20, 1L << 40),
            BufferMemory = reader.Size(At("buffer-memory"), entry.BufferMemory, BufferMemoryMin, 4L << 30),
            ConnectionsMax = reader.Count(At("connections-max"), entry.ConnectionsMax, 1, 65_536),
        };
        if (guest.Limit != 0 && guest.Limit < guest.Reservation)
        {
            throw reader.Error(
                At("limit"), $"{guest.Limit} is below the reservation of {guest.Reservation}; 0 means no limit");
        }

        return guest;

        string At(string member) => SettingsReader.Key(key, member);
    }
}
