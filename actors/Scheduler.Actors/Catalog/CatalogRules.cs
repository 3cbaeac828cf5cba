// What may be in the catalog.
//
//   InRange     each value by itself, in the ranges that the configuration has too. Asked of each change, and of what was recovered.
//   Fits        an entity beside the others: what it refers to is there; nothing overlaps (S2), no path, hash or identity
//               twice. Asked of each change, and of everything when declared entities come in.
//   MayBecome   from one content to another: a disk's data stays where it is, and it only grows while rings are attached
//   MayGo       nothing that is referred to, or attached, is deleted
using System.Globalization;

namespace Scheduler.Actors;

/// <summary>The catalog's rules. Each gives the first thing that is wrong, or null.</summary>
internal static class CatalogRules
{
    /// <summary>A kind in words.</summary>
    public static string Word(CatalogKind kind) => kind switch
    {
        CatalogKind.Volume => "volume",
        CatalogKind.Guest => "guest",
        CatalogKind.Disk => "disk",
        CatalogKind.Token => "token",
        _ => "identity",
    };

    public static CatalogRefusal? InRange(CatalogEntity entity)
    {
        string? problem = entity switch
        {
            CatalogVolume volume => Volume(volume),
            CatalogGuest guest => Guest(guest),
            CatalogDisk disk => Disk(disk),
            CatalogToken token => Token(token),
            CatalogIdentity identity => Identity(identity),
            _ => "is of a kind that the catalog does not hold",
        };
        return problem is null ? null : Refuse(CatalogProblem.Invalid, entity, problem);
    }

    public static CatalogRefusal? Fits(CatalogEntity entity, CatalogState state) => entity switch
    {
        CatalogVolume volume => VolumeFits(volume, state),
        CatalogDisk disk => DiskFits(disk, state),
        CatalogToken token => TokenFits(token, state),
        CatalogIdentity identity => IdentityFits(identity, state),
        _ => null,
    };

    public static CatalogRefusal? MayBecome(CatalogEntity before, CatalogEntity after, CatalogState state, Func<string, bool> isAttached)
    {
        switch (before, after)
        {
            case (CatalogVolume old, CatalogVolume volume)
                when old.Paths.Except(volume.Paths, StringComparer.Ordinal).Any() && Disks(state, old.Name) is { Length: > 0 } disks:
                return Refuse(CatalogProblem.InUse, volume, $"lies elsewhere than {string.Join(", ", old.Paths)}, where the data of {disks} is; delete them first");
            case (CatalogDisk old, CatalogDisk disk):
                if (old.Volume != disk.Volume || old.Offset != disk.Offset || old.LogicalVolume != disk.LogicalVolume)
                    return Refuse(CatalogProblem.InUse, disk, $"would have its data in another place than {PlaceOf(old)}; delete it and make another");
                return (old with { Size = Math.Max(old.Size, disk.Size) }).IsSame(disk) || !isAttached(disk.Name)
                    ? null
                    : Refuse(CatalogProblem.InUse, disk, "has clients, so it can only grow; disconnect them first");
            case (CatalogToken old, CatalogToken token) when old.Hash != token.Hash || old.Created != token.Created:
                return Refuse(CatalogProblem.InUse, token, "has a secret already, which does not change; delete it and make another");
            default:
                return null;
        }
    }

    public static CatalogRefusal? MayGo(CatalogEntity entity, CatalogState state, Func<string, bool> isAttached)
    {
        string users = entity switch
        {
            CatalogVolume => Disks(state, entity.Name),
            CatalogGuest => Names(
                state,
                user => user is CatalogDisk disk && disk.Guest == entity.Name || user is CatalogIdentity identity && identity.Guest == entity.Name),
            CatalogDisk when isAttached(entity.Name) => "clients that are connected to it",
            _ => "",
        };
        return users.Length == 0 ? null : Refuse(CatalogProblem.InUse, entity, $"is used by {users}");
    }

    private static string? Volume(CatalogVolume volume)
    {
        if (!volume.Paths.All(IsPath))
            return $"has a path '{volume.Paths.First(path => !IsPath(path))}' that is not an absolute path of up to {CatalogLimits.TextLengthMax} characters, without '.', '..' or doubled '/'";
        if (volume.IsGroup)
        {
            return volume.Path is not null ? "has a path besides the physical volumes of a volume group"
                : volume.Size != 0 ? "is a volume group, which has the size that it has"
                : volume.PhysicalVolumes.Count > Core.VolumeSpec.DomainsMax ? $"has {volume.PhysicalVolumes.Count} physical volumes; at most {Core.VolumeSpec.DomainsMax} can be served"
                : volume.PhysicalVolumes.Distinct(StringComparer.Ordinal).Count() < volume.PhysicalVolumes.Count ? "names a physical volume twice"
                : Scheduling(volume);
        }

        return volume.Path is null ? "has neither a path nor the physical volumes of a volume group"
            : volume.SystemId is not null ? "has a system id, which is only for a volume group"
            : Bytes("size", volume.Size, CatalogLimits.BlockBytes, CatalogLimits.SizeMax) ?? Scheduling(volume);
    }

    private static string? Scheduling(CatalogVolume volume) =>
        volume.SystemId is { Length: 0 or > CatalogLimits.TextLengthMax } || volume.SystemId?.Any(char.IsControl) == true
            ? $"has a system id that is not of 1 to {CatalogLimits.TextLengthMax} characters, none of them a control character"
        : Range("depth", volume.Depth, 1, CatalogLimits.DepthMax)
            ?? Range("latency target in nanoseconds", volume.LatencyTargetNs, 0, (long)CatalogLimits.LatencyTargetMax.TotalNanoseconds)
            ?? (Enum.IsDefined(volume.Cache) && Enum.IsDefined(volume.Io) && Enum.IsDefined(volume.Policy) ? null : "has a cache mode, I/O method or policy that there is not");

    private static string? Guest(CatalogGuest guest) =>
        Range("weight", guest.Weight, CatalogLimits.WeightMin, CatalogLimits.WeightMax)
        ?? Range("reservation", guest.Reservation, 0, CatalogLimits.RateMax)
        ?? Range("limit", guest.Limit, 0, CatalogLimits.RateMax)
        ?? (guest.Limit != 0 && guest.Limit < guest.Reservation ? $"limit {guest.Limit} is below the reservation of {guest.Reservation}; 0 means no limit" : null)
        ?? Range("flush latency bound in nanoseconds", guest.FlushLatencyNsMax, 0, (long)CatalogLimits.FlushLatencyMax.TotalNanoseconds)
        ?? Range("unflushed bytes", guest.UnflushedBytesMax, CatalogLimits.UnflushedMin, CatalogLimits.UnflushedMax)
        ?? Range("buffer memory", guest.BufferMemory, CatalogLimits.BufferMemoryMin, CatalogLimits.BufferMemoryMax)
        ?? Range("connections", guest.ConnectionsMax, 1, CatalogLimits.ConnectionsMax);

    private static string? Disk(CatalogDisk disk)
    {
        if (!Enum.IsDefined(disk.Ordered))
            return $"has ordered mode {disk.Ordered}, which there is not";
        if (disk.LogicalVolume is null)
            return Bytes("offset", disk.Offset.GetValueOrDefault(), 0, CatalogLimits.SizeMax) ?? Bytes("size", disk.Size, CatalogLimits.BlockBytes, CatalogLimits.SizeMax);
        return disk.LogicalVolume.Length is 0 or > 127 ? "names a logical volume that is not of 1 to 127 characters"
            : disk.Offset is not null || disk.Size != 0 ? "is a logical volume, which has the place and the size that its group says"
            : null;
    }

    private static string? Token(CatalogToken token) =>
        !Enum.IsDefined(token.Role) ? $"has role {token.Role}, which there is not"
        : !IsSha256(token.Hash) ? "has a hash that is not 64 hexadecimal digits in small letters"
        : token.Created.Offset != TimeSpan.Zero ? "has a time that is not in UTC"
        : null;

    private static string? Identity(CatalogIdentity identity) => identity.Type switch
    {
        CatalogIdentityType.CertificateSubject =>
            !identity.Value.StartsWith("CN=", StringComparison.Ordinal) || identity.Value.Length is <= 3 or > 3 + CatalogLimits.CommonNameMax || identity.Value.Any(char.IsControl)
                ? $"has a subject '{identity.Value}' that is not CN=name, with the common name of a certificate, of 1 to {CatalogLimits.CommonNameMax} printable characters"
                : null,
        CatalogIdentityType.CertificateFingerprint => IsSha256(identity.Value) ? null : "has a fingerprint that is not 64 hexadecimal digits in small letters (SHA-256)",
        CatalogIdentityType.UnixUid =>
            uint.TryParse(identity.Value, NumberStyles.None, CultureInfo.InvariantCulture, out uint uid) && uid.ToString(CultureInfo.InvariantCulture) == identity.Value
                ? null
                : $"'{identity.Value}' is not a user id: 0 to 4294967295, without leading zeroes",
        CatalogIdentityType.XenDomain =>
            CatalogLimits.IsDomain(identity.Value) ? null : $"has a domain '{identity.Value}' that is neither {CatalogLimits.DomainRule}",
        _ => $"has type {identity.Type}, which there is not",
    };

    private static CatalogRefusal? VolumeFits(CatalogVolume volume, CatalogState state)
    {
        foreach (CatalogVolume other in state.All<CatalogVolume>())
        {
            if (other.Name != volume.Name && volume.Paths.Intersect(other.Paths, StringComparer.Ordinal).FirstOrDefault() is { } path)
                return Refuse(CatalogProblem.InUse, volume, state, $"lies on {path}, as {Entry(state, other)} does");
        }

        foreach (CatalogDisk disk in state.All<CatalogDisk>())
        {
            if (disk.Volume == volume.Name && IsMisplaced(disk, volume) is { } problem)
                return Refuse(CatalogProblem.InUse, volume, state, $"does not fit {Entry(state, disk)}: {problem}");
        }

        return null;
    }

    private static CatalogRefusal? DiskFits(CatalogDisk disk, CatalogState state)
    {
        if (state.Find<CatalogVolume>(disk.Volume) is not { } volume)
            return Refuse(CatalogProblem.Invalid, disk, state, $"lies on volume {disk.Volume}, and there is none of that name");
        if (state.Find<CatalogGuest>(disk.Guest) is null)
            return Refuse(CatalogProblem.Invalid, disk, state, $"belongs to guest {disk.Guest}, and there is none of that name");
        if (IsMisplaced(disk, volume) is { } problem)
            return Refuse(CatalogProblem.Invalid, disk, state, problem);
        foreach (CatalogDisk other in state.All<CatalogDisk>())
        {
            if (other.Name == disk.Name || other.Volume != disk.Volume)
                continue;
            if (disk.LogicalVolume is not null && disk.LogicalVolume == other.LogicalVolume)
                return Refuse(CatalogProblem.InUse, disk, state, $"is logical volume {disk.LogicalVolume}, as {Entry(state, other)} is");
            if (disk.LogicalVolume is null && disk.Offset < other.End && other.Offset < disk.End)
                return Refuse(CatalogProblem.InUse, disk, state, $"at {PlaceOf(disk)} overlaps {Entry(state, other)} at {PlaceOf(other)}");
        }

        return null;
    }

    private static CatalogRefusal? TokenFits(CatalogToken token, CatalogState state) =>
        state.All<CatalogToken>().FirstOrDefault(other => other.Name != token.Name && other.Hash == token.Hash) is { } same
            ? Refuse(CatalogProblem.InUse, token, state, $"has the secret of {Entry(state, same)}")
            : null;

    private static CatalogRefusal? IdentityFits(CatalogIdentity identity, CatalogState state)
    {
        if (state.Find<CatalogGuest>(identity.Guest) is null)
            return Refuse(CatalogProblem.Invalid, identity, state, $"is guest {identity.Guest}, and there is none of that name");
        return state.All<CatalogIdentity>().FirstOrDefault(other => other.Name != identity.Name && other.Type == identity.Type && other.Value == identity.Value) is { } same
            ? Refuse(CatalogProblem.InUse, identity, state, $"is shown by {identity.Value}, as {Entry(state, same)} is")
            : null;
    }

    private static string? IsMisplaced(CatalogDisk disk, CatalogVolume volume) =>
        volume.IsGroup != disk.LogicalVolume is not null
            ? volume.IsGroup
                ? $"volume {volume.Name} is a volume group; the disk has to say which logical volume it is"
                : $"volume {volume.Name} is no volume group, so the disk can't be a logical volume"
            : !volume.IsGroup && disk.End > volume.Size ? $"the disk at {PlaceOf(disk)} ends beyond volume {volume.Name} of {volume.Size} bytes" : null;

    private static string PlaceOf(CatalogDisk disk) =>
        disk.LogicalVolume is null ? $"{disk.Volume} {disk.Offset}+{disk.Size}" : $"{disk.Volume} {disk.LogicalVolume}";

    private static string Disks(CatalogState state, string volume) => Names(state, user => user is CatalogDisk disk && disk.Volume == volume);

    private static string Names(CatalogState state, Func<CatalogEntity, bool> uses)
    {
        List<string> names = [.. state.Entries.Where(entry => uses(entry.Entity)).Select(entry => $"{Word(entry.Entity.Kind)} {entry.Entity.Name}")];
        const int shown = 10;
        return string.Join(", ", names.Take(shown)) + (names.Count > shown ? $" and {names.Count - shown} more" : "");
    }

    private static CatalogEntry Entry(CatalogState state, CatalogEntity entity) => state.Find(entity.Kind, entity.Name)!;

    private static bool IsPath(string? path) =>
        path?.Length is > 1 and <= CatalogLimits.TextLengthMax && path[0] == '/' && !path.Any(char.IsControl)
        && !path.Split('/').Skip(1).Any(part => part is "" or "." or "..");

    private static bool IsSha256(string text) => text.Length == 64 && text.All(c => c is (>= '0' and <= '9') or (>= 'a' and <= 'f'));

    private static string? Range(string what, long value, long min, long max) =>
        value >= min && value <= max ? null : $"has {what} {value}, which is not in {min} to {max}";

    private static string? Bytes(string what, long value, long min, long max) =>
        Range(what, value, min, max) ?? (value % CatalogLimits.BlockBytes == 0 ? null : $"has {what} {value}, which is not a multiple of {CatalogLimits.BlockBytes}");

    private static CatalogRefusal Refuse(CatalogProblem problem, CatalogEntity entity, string what) =>
        new(problem, $"{Word(entity.Kind)} {entity.Name} {what}");

    // Names the side that it is on, where it is on one: what a command brings is on neither.
    private static CatalogRefusal Refuse(CatalogProblem problem, CatalogEntity entity, CatalogState state, string what) =>
        state.Find(entity.Kind, entity.Name) is { } entry && ReferenceEquals(entry.Entity, entity)
            ? new CatalogRefusal(problem, $"{entry} {what}")
            : Refuse(problem, entity, what);
}
