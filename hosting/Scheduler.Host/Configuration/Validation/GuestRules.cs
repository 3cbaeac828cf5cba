using System.Globalization;
using Scheduler.Actors;
using Scheduler.Nbd.Access;

namespace Scheduler.Host.Configuration;

/// <summary>Checks one guest.</summary>
/// <param name="reader">Converts values and makes errors.</param>
internal sealed class GuestRules(SettingsReader reader)
{
    private const string NamePrefix = "CN=";
    private const string PrintPrefix = "sha256:";

    /// <summary>Who has an identity already.</summary>
    private readonly Dictionary<string, string> _owners = new(StringComparer.Ordinal);

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
            Certificates = [.. entry.Certificates.Select((text, i) => Certificate(Item("certificates", i), name, text))],
            Uids = [.. entry.Uids.Select((text, i) => User(Item("uids", i), name, text))],
            Domains = [.. entry.Domains.Select((text, i) => Domain(Item("domains", i), name, text))],
        };
        if (guest.Limit != 0 && guest.Limit < guest.Reservation)
        {
            reader.Wrong(
                At("limit"), $"{guest.Limit} is below the reservation of {guest.Reservation}; 0 means no limit");
        }

        return guest;

        string At(string member) => SettingsReader.Key(key, member);

        string Item(string list, int i) => SettingsReader.Key(At(list), i.ToString(CultureInfo.InvariantCulture));
    }

    private string Certificate(string key, string guest, string text)
    {
        string? identity = text.StartsWith(NamePrefix, StringComparison.Ordinal) && text.Length > NamePrefix.Length && text.Length <= NamePrefix.Length + CatalogLimits.CommonNameMax
            ? text
            : Fingerprint(text);
        return identity is null
            ? reader.Wrong(key, $"'{text}' is neither CN=name, the common name of a certificate, nor sha256: and 64 hexadecimal digits", text)
            : Own(key, guest, identity);
    }

    // Programs write them with colons and capital letters, too.
    private static string? Fingerprint(string text)
    {
        if (!text.StartsWith(PrintPrefix, StringComparison.OrdinalIgnoreCase))
            return null;
        string digits = text[PrintPrefix.Length..].Replace(":", "", StringComparison.Ordinal).ToLowerInvariant();
        return digits.Length == 64 && digits.All(char.IsAsciiHexDigitLower) ? GuestIdentities.OfSha256(digits) : null;
    }

    private uint User(string key, string guest, string text)
    {
        // The last number means nobody to the kernel.
        int mistakes = reader.MistakeCount;
        uint user = (uint)reader.Count(key, text, 0L, uint.MaxValue - 1L);
        if (reader.MistakeCount == mistakes)
            _ = Own(key, guest, GuestIdentities.OfUser(user));
        return user;
    }

    private string Domain(string key, string guest, string text)
    {
        if (!CatalogLimits.IsDomain(text))
            return reader.Wrong(key, $"'{text}' is neither {CatalogLimits.DomainRule}", text);
        string domain = Guid.TryParseExact(text, "D", out Guid uuid) ? uuid.ToString("D") : text;
        _ = Own(key, guest, GuestIdentities.OfDomain(domain));
        return domain;
    }

    private string Own(string key, string guest, string identity) => _owners.TryAdd(identity, guest)
        ? identity
        : reader.Wrong(key, _owners[identity] == guest ? $"{identity} is listed twice" : $"{identity} is also guest {_owners[identity]}", identity);
}
