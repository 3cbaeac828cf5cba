using System.Text.Json.Serialization;
using Scheduler.Actors;

namespace Scheduler.Host.Api.Entities;

/// <summary>Which guest a client is.</summary>
internal record IdentityFields : EntityFields
{
    private const string NeededByNew = "type, value and guest";

    /// <summary>How the client shows who it is.</summary>
    [JsonConverter(typeof(Word<CatalogIdentityType>))]
    public CatalogIdentityType? Type { get; init; }

    /// <summary>What it shows: the subject of its certificate, the SHA-256 of it in 64 hexadecimal digits in small letters, or its user
    /// id.</summary>
    public string? Value { get; init; }

    /// <summary>Name of the guest that it is.</summary>
    public string? Guest { get; init; }

    /// <summary>The identity with these fields.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="fields">What is said of it.</param>
    /// <param name="before">As it is; null if it is new.</param>
    /// <returns>The identity.</returns>
    /// <exception cref="ApiRefusal">A new one lacks something.</exception>
    public static CatalogIdentity Put(string name, IdentityFields fields, CatalogIdentity? before) => new()
    {
        Name = name,
        Type = fields.Type ?? Needed(before?.Type, "identity", NeededByNew),
        Value = fields.Value ?? Needed(before?.Value, "identity", NeededByNew),
        Guest = fields.Guest ?? Needed(before?.Guest, "identity", NeededByNew),
    };
}

/// <summary>An identity as it is shown.</summary>
internal sealed record IdentityItem : IdentityFields, IEntityItem
{
    /// <inheritdoc/>
    [JsonPropertyOrder(-2)]
    public required long Revision { get; init; }

    /// <inheritdoc/>
    [JsonPropertyOrder(-1)]
    public required bool Declared { get; init; }

    /// <summary>Shows an identity.</summary>
    /// <param name="identity">It.</param>
    /// <param name="revision">Its revision.</param>
    /// <param name="isDeclared">Whether the configuration file declares it.</param>
    /// <returns>What is shown.</returns>
    public static IdentityItem Of(CatalogIdentity identity, long revision, bool isDeclared) => new()
    {
        Name = identity.Name,
        Revision = revision,
        Declared = isDeclared,
        Type = identity.Type,
        Value = identity.Value,
        Guest = identity.Guest,
    };
}
