// The catalog's events and how they are stored. Names, fields and the words of enumerations never change their meaning; a
// kind that has to change gets a new version and an upcaster (EventFormat.cs).
using System.Text.Json.Serialization;

namespace Scheduler.Actors;

/// <summary>A change of the catalog.</summary>
public abstract record CatalogEvent
{
    /// <summary>Who made it.</summary>
    public required string By { get; init; }

    /// <summary>When, in UTC.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>What was changed.</summary>
    [JsonIgnore]
    public abstract (CatalogKind Kind, string Name) Key { get; }

    /// <summary>What it is now; null if it was deleted.</summary>
    [JsonIgnore]
    public abstract CatalogEntity? After { get; }
}

/// <summary>Something new.</summary>
/// <typeparam name="T">What it is.</typeparam>
public sealed record EntityAdded<T> : CatalogEvent
    where T : CatalogEntity
{
    /// <summary>It.</summary>
    public required T Entity { get; init; }

    /// <inheritdoc/>
    [JsonIgnore]
    public override (CatalogKind Kind, string Name) Key => (Entity.Kind, Entity.Name);

    /// <inheritdoc/>
    [JsonIgnore]
    public override CatalogEntity After => Entity;
}

/// <summary>Something has another content.</summary>
/// <typeparam name="T">What it is.</typeparam>
public sealed record EntityChanged<T> : CatalogEvent
    where T : CatalogEntity
{
    /// <summary>Its whole content now.</summary>
    public required T Entity { get; init; }

    /// <inheritdoc/>
    [JsonIgnore]
    public override (CatalogKind Kind, string Name) Key => (Entity.Kind, Entity.Name);

    /// <inheritdoc/>
    [JsonIgnore]
    public override CatalogEntity After => Entity;
}

/// <summary>Something is gone.</summary>
/// <typeparam name="T">What it was.</typeparam>
public sealed record EntityDeleted<T> : CatalogEvent
    where T : CatalogEntity
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <inheritdoc/>
    [JsonIgnore]
    public override (CatalogKind Kind, string Name) Key => (CatalogFormat.KindOf(typeof(T)), Name);

    /// <inheritdoc/>
    [JsonIgnore]
    public override CatalogEntity? After => null;
}

/// <summary>An entity of a snapshot.</summary>
/// <typeparam name="T">What it is.</typeparam>
/// <param name="Revision">Sequence number of the event that changed it last.</param>
/// <param name="Entity">It.</param>
public sealed record RevisedEntity<T>(long Revision, T Entity)
    where T : CatalogEntity;

/// <summary>The catalog's content, without what the configuration declares.</summary>
/// <param name="Volumes">Volumes.</param>
/// <param name="Guests">Guests.</param>
/// <param name="Disks">Disks.</param>
/// <param name="Tokens">Admin tokens.</param>
/// <param name="Identities">Client identities.</param>
public sealed record CatalogSnapshot(
    IReadOnlyList<RevisedEntity<CatalogVolume>> Volumes,
    IReadOnlyList<RevisedEntity<CatalogGuest>> Guests,
    IReadOnlyList<RevisedEntity<CatalogDisk>> Disks,
    IReadOnlyList<RevisedEntity<CatalogToken>> Tokens,
    IReadOnlyList<RevisedEntity<CatalogIdentity>> Identities);

/// <summary>How the catalog is stored.</summary>
public static class CatalogFormat
{
    /// <summary>The kinds of events and snapshots.</summary>
    public static IReadOnlyList<EventKind> Kinds { get; } =
    [
        new("volume-added", CatalogJson.Default.VolumeAdded),
        new("volume-changed", CatalogJson.Default.VolumeChanged),
        new("volume-deleted", CatalogJson.Default.VolumeDeleted),
        new("guest-added", CatalogJson.Default.GuestAdded),
        new("guest-changed", CatalogJson.Default.GuestChanged),
        new("guest-deleted", CatalogJson.Default.GuestDeleted),
        new("disk-added", CatalogJson.Default.DiskAdded),
        new("disk-changed", CatalogJson.Default.DiskChanged),
        new("disk-deleted", CatalogJson.Default.DiskDeleted),
        new("token-added", CatalogJson.Default.TokenAdded),
        new("token-changed", CatalogJson.Default.TokenChanged),
        new("token-deleted", CatalogJson.Default.TokenDeleted),
        new("identity-added", CatalogJson.Default.IdentityAdded),
        new("identity-changed", CatalogJson.Default.IdentityChanged),
        new("identity-deleted", CatalogJson.Default.IdentityDeleted),
        new("catalog", CatalogJson.Default.CatalogSnapshot),
    ];

    /// <summary>The kind of a type of entity.</summary>
    /// <param name="type">Such as <see cref="CatalogGuest"/>.</param>
    /// <returns>The kind.</returns>
    internal static CatalogKind KindOf(Type type) =>
        type == typeof(CatalogVolume) ? CatalogKind.Volume
        : type == typeof(CatalogGuest) ? CatalogKind.Guest
        : type == typeof(CatalogDisk) ? CatalogKind.Disk
        : type == typeof(CatalogToken) ? CatalogKind.Token
        : CatalogKind.Identity;

    /// <summary>The event that puts an entity.</summary>
    internal static CatalogEvent Put(CatalogEntity entity, bool isNew, string by, DateTimeOffset at) => entity switch
    {
        CatalogVolume volume => Put(volume, isNew, by, at),
        CatalogGuest guest => Put(guest, isNew, by, at),
        CatalogDisk disk => Put(disk, isNew, by, at),
        CatalogToken token => Put(token, isNew, by, at),
        CatalogIdentity identity => Put(identity, isNew, by, at),
        _ => throw new ArgumentException($"{entity.GetType()} is not in catalogs", nameof(entity)),
    };

    /// <summary>The event that deletes an entity.</summary>
    internal static CatalogEvent Deleted(CatalogKind kind, string name, string by, DateTimeOffset at) => kind switch
    {
        CatalogKind.Volume => new EntityDeleted<CatalogVolume> { Name = name, By = by, At = at },
        CatalogKind.Guest => new EntityDeleted<CatalogGuest> { Name = name, By = by, At = at },
        CatalogKind.Disk => new EntityDeleted<CatalogDisk> { Name = name, By = by, At = at },
        CatalogKind.Token => new EntityDeleted<CatalogToken> { Name = name, By = by, At = at },
        CatalogKind.Identity => new EntityDeleted<CatalogIdentity> { Name = name, By = by, At = at },
        _ => throw new ArgumentException($"{kind} is not in catalogs", nameof(kind)),
    };

    private static CatalogEvent Put<T>(T entity, bool isNew, string by, DateTimeOffset at)
        where T : CatalogEntity =>
        isNew ? new EntityAdded<T> { Entity = entity, By = by, At = at } : new EntityChanged<T> { Entity = entity, By = by, At = at };
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.KebabCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(EntityAdded<CatalogVolume>), TypeInfoPropertyName = "VolumeAdded")]
[JsonSerializable(typeof(EntityChanged<CatalogVolume>), TypeInfoPropertyName = "VolumeChanged")]
[JsonSerializable(typeof(EntityDeleted<CatalogVolume>), TypeInfoPropertyName = "VolumeDeleted")]
[JsonSerializable(typeof(EntityAdded<CatalogGuest>), TypeInfoPropertyName = "GuestAdded")]
[JsonSerializable(typeof(EntityChanged<CatalogGuest>), TypeInfoPropertyName = "GuestChanged")]
[JsonSerializable(typeof(EntityDeleted<CatalogGuest>), TypeInfoPropertyName = "GuestDeleted")]
[JsonSerializable(typeof(EntityAdded<CatalogDisk>), TypeInfoPropertyName = "DiskAdded")]
[JsonSerializable(typeof(EntityChanged<CatalogDisk>), TypeInfoPropertyName = "DiskChanged")]
[JsonSerializable(typeof(EntityDeleted<CatalogDisk>), TypeInfoPropertyName = "DiskDeleted")]
[JsonSerializable(typeof(EntityAdded<CatalogToken>), TypeInfoPropertyName = "TokenAdded")]
[JsonSerializable(typeof(EntityChanged<CatalogToken>), TypeInfoPropertyName = "TokenChanged")]
[JsonSerializable(typeof(EntityDeleted<CatalogToken>), TypeInfoPropertyName = "TokenDeleted")]
[JsonSerializable(typeof(EntityAdded<CatalogIdentity>), TypeInfoPropertyName = "IdentityAdded")]
[JsonSerializable(typeof(EntityChanged<CatalogIdentity>), TypeInfoPropertyName = "IdentityChanged")]
[JsonSerializable(typeof(EntityDeleted<CatalogIdentity>), TypeInfoPropertyName = "IdentityDeleted")]
[JsonSerializable(typeof(CatalogSnapshot))]
internal sealed partial class CatalogJson : JsonSerializerContext;
