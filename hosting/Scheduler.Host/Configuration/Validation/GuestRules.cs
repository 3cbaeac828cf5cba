using Scheduler.Actors;

namespace Scheduler.Host.Configuration;

/// <summary>Checks one guest.</summary>
/// <param name="reader">Converts values and makes errors.</param>
internal sealed class GuestRules(SettingsReader reader)
{
    public GuestSettings Check(string key, string name, GuestEntry entry)
    {
        GuestSettings guest = new()
        {
            Name = name,
            Weight = reader.Count(At("weight"), entry.Weight, CatalogLimits.WeightMin, CatalogLimits.WeightMax),
            Reservation = reader.Count(At("reservation"), entry.Reservation, 0, CatalogLimits.RateMax),
            Limit = reader.Count(At("limit"), entry.Limit, 0, CatalogLimits.RateMax),
            FlushLatencyMax = reader.Duration(
                At("flush-latency-max"), entry.FlushLatencyMax, TimeSpan.Zero, CatalogLimits.FlushLatencyMax),
            UnflushedMax = reader.Size(At("unflushed-max"), entry.UnflushedMax, CatalogLimits.UnflushedMin, CatalogLimits.UnflushedMax),
            BufferMemory = reader.Size(At("buffer-memory"), entry.BufferMemory, CatalogLimits.BufferMemoryMin, CatalogLimits.BufferMemoryMax),
            ConnectionsMax = reader.Count(At("connections-max"), entry.ConnectionsMax, 1, CatalogLimits.ConnectionsMax),
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
