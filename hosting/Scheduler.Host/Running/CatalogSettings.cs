using System.Security.Cryptography;
using System.Text;
using Scheduler.Actors;
using Scheduler.Core;
using Scheduler.Host.Configuration;
using Scheduler.Nbd.Access;
using Scheduler.Storage;

namespace Scheduler.Host.Running;

/// <summary>What the configuration file declares, as the catalog has it; and what the catalog has, as the service runs it.</summary>
internal static class CatalogSettings
{
    /// <summary>Everything that the file declares.</summary>
    /// <param name="settings">Checked configuration.</param>
    public static IReadOnlyList<CatalogEntity> Declared(ServiceSettings settings) =>
    [
        .. settings.Volumes.Select(Entity),
        .. settings.Guests.Select(Entity),
        .. settings.Disks.Select(Entity),
        .. settings.Guests.SelectMany(Identities),
    ];

    /// <summary>A declared guest.</summary>
    public static CatalogGuest Entity(GuestSettings guest) => new()
    {
        Name = guest.Name,
        Weight = guest.Weight,
        Reservation = guest.Reservation,
        Limit = guest.Limit,
        FlushLatencyNsMax = (long)guest.FlushLatencyMax.TotalNanoseconds,
        UnflushedBytesMax = guest.UnflushedMax,
        BufferMemory = guest.BufferMemory,
        ConnectionsMax = guest.ConnectionsMax,
    };

    /// <summary>A volume of the catalog that the file does not declare: a file, a block device or a volume group.</summary>
    public static VolumeSettings Settings(CatalogVolume volume) => new()
    {
        Name = volume.Name,
        Path = volume.Path ?? "",
        PhysicalVolumes = volume.PhysicalVolumes,
        SystemId = volume.SystemId,
        Size = volume.Size,
        Preallocate = volume.Preallocate,
        Cache = volume.Cache,
        Io = volume.Io,
        Depth = volume.Depth,
        LatencyTarget = TimeSpan.FromTicks(volume.LatencyTargetNs / TimeSpan.NanosecondsPerTick),
        Policy = volume.Policy,
        Device = DeviceKind.File,
        Cost = new CostModel(),
        Faulty = new FaultyOptions(),
    };

    /// <summary>A guest of the catalog. Who it is, is not in it.</summary>
    public static GuestSettings Settings(CatalogGuest guest) => new()
    {
        Name = guest.Name,
        Weight = guest.Weight,
        Reservation = guest.Reservation,
        Limit = guest.Limit,
        FlushLatencyMax = TimeSpan.FromTicks(guest.FlushLatencyNsMax / TimeSpan.NanosecondsPerTick),
        UnflushedMax = guest.UnflushedBytesMax,
        BufferMemory = guest.BufferMemory,
        ConnectionsMax = guest.ConnectionsMax,
    };

    /// <summary>A disk of the catalog.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="volume">The volume that it lies on.</param>
    /// <param name="guest">The guest that owns it.</param>
    public static DiskSettings Settings(CatalogDisk disk, VolumeSettings volume, GuestSettings guest) => new()
    {
        Name = disk.Name,
        Volume = volume,
        Guest = guest,
        LogicalVolume = disk.LogicalVolume,
        Offset = disk.Offset.GetValueOrDefault(),
        Size = disk.Size,
        Ordered = disk.Ordered,
    };

    /// <summary>An identity as <see cref="GuestIdentities"/> takes it.</summary>
    public static string Text(CatalogIdentity identity) => identity.Type switch
    {
        CatalogIdentityType.CertificateSubject => identity.Value,
        CatalogIdentityType.CertificateFingerprint => GuestIdentities.OfSha256(identity.Value),
        CatalogIdentityType.XenDomain => GuestIdentities.OfDomain(identity.Value),
        _ => GuestIdentities.OfUser(uint.Parse(identity.Value, System.Globalization.CultureInfo.InvariantCulture)),
    };

    private static CatalogVolume Entity(VolumeSettings volume) => new()
    {
        Name = volume.Name,
        Path = volume.Path.Length == 0 ? null : Path.GetFullPath(volume.Path),
        PhysicalVolumes = [.. volume.PhysicalVolumes.Select(Path.GetFullPath)],
        SystemId = volume.SystemId,
        Size = volume.Size,
        Preallocate = volume.Preallocate,
        Cache = volume.Cache,
        Io = volume.Io,
        Depth = volume.Depth,
        LatencyTargetNs = (long)volume.LatencyTarget.TotalNanoseconds,
        Policy = volume.Policy,
    };

    private static CatalogDisk Entity(DiskSettings disk) => new()
    {
        Name = disk.Name,
        Volume = disk.Volume.Name,
        Guest = disk.Guest.Name,
        Offset = disk.LogicalVolume is null ? disk.Offset : null,
        Size = disk.Size,
        LogicalVolume = disk.LogicalVolume,
        Ordered = disk.Ordered,
    };

    private static IEnumerable<CatalogIdentity> Identities(GuestSettings guest) =>
    [
        .. guest.Certificates.Select(text => text.StartsWith("CN=", StringComparison.Ordinal)
            ? Identity(guest, CatalogIdentityType.CertificateSubject, text)
            : Identity(guest, CatalogIdentityType.CertificateFingerprint, text["sha256:".Length..])),
        .. guest.Uids.Select(uid => Identity(guest, CatalogIdentityType.UnixUid, uid.ToString(System.Globalization.CultureInfo.InvariantCulture))),
        .. guest.Domains.Select(domain => Identity(guest, CatalogIdentityType.XenDomain, domain)),
    ];

    // The file gives identities no names: one that stays the same, and that nobody else thinks of.
    private static CatalogIdentity Identity(GuestSettings guest, CatalogIdentityType type, string value) => new()
    {
        Name = "file-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{type}:{value}")))[..16],
        Type = type,
        Value = value,
        Guest = guest.Name,
    };
}
