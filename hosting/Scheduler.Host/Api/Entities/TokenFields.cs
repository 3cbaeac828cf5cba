using System.Text.Json.Serialization;
using Scheduler.Actors;

namespace Scheduler.Host.Api.Entities;

/// <summary>An admin token.</summary>
internal record TokenFields : EntityFields
{
    /// <summary>What its bearer may do: viewer looks, operator changes too.</summary>
    [JsonConverter(typeof(Word<CatalogRole>))]
    public CatalogRole? Role { get; init; }

    /// <summary>The token with these fields, without its hash if it is new.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="fields">What is said of it.</param>
    /// <param name="before">As it is; null if it is new.</param>
    /// <returns>The token.</returns>
    /// <exception cref="ApiRefusal">A new one lacks its role, or one that is there has another.</exception>
    public static CatalogToken Put(string name, TokenFields fields, CatalogToken? before)
    {
        if (before is null)
            return new CatalogToken { Name = name, Role = Needed(fields.Role, "token", "role"), Hash = "", Created = DateTimeOffset.UtcNow };
        return fields.Role is null || fields.Role == before.Role
            ? before
            : throw new ApiRefusal(
                StatusCodes.Status409Conflict, $"token {name} has another role already, which does not change; delete it and make another");
    }
}

/// <summary>A token as it is shown; nobody can be shown its secret again.</summary>
internal sealed record TokenItem : TokenFields, IEntityItem
{
    /// <inheritdoc/>
    [JsonPropertyOrder(-2)]
    public required long Revision { get; init; }

    /// <inheritdoc/>
    [JsonPropertyOrder(-1)]
    public required bool Declared { get; init; }

    /// <summary>When it was made, in UTC.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>The secret, in the answer to who makes the token and never again.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Token { get; init; }

    /// <summary>Shows a token.</summary>
    /// <param name="token">It.</param>
    /// <param name="revision">Its revision.</param>
    /// <param name="isDeclared">Whether the configuration file declares it.</param>
    /// <returns>What is shown.</returns>
    public static TokenItem Of(CatalogToken token, long revision, bool isDeclared) => new()
    {
        Name = token.Name,
        Revision = revision,
        Declared = isDeclared,
        Role = token.Role,
        Created = token.Created,
    };
}
