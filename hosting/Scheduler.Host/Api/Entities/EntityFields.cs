using System.Text.Json;
using System.Text.Json.Serialization;
using Scheduler.Actors;

namespace Scheduler.Host.Api.Entities;

/// <summary>What a client says of an entity. What it leaves out, or says null for, stays as it is, or has its default in a new one.</summary>
internal abstract record EntityFields
{
    /// <summary>Its name, as in the address.</summary>
    [JsonPropertyOrder(-3)]
    public string? Name { get; init; }

    /// <summary>A field that a new entity does not go without.</summary>
    /// <param name="value">Its value; null: it was left out.</param>
    /// <param name="kind">The kind of entity, in words.</param>
    /// <param name="fields">Names of all such fields.</param>
    /// <returns>The value.</returns>
    /// <exception cref="ApiRefusal">It was left out.</exception>
    protected static T Needed<T>(T? value, string kind, string fields)
        where T : class =>
        value ?? throw NotGiven(kind, fields);

    /// <inheritdoc cref="Needed{T}(T?, string, string)"/>
    protected static T Needed<T>(T? value, string kind, string fields)
        where T : struct =>
        value ?? throw NotGiven(kind, fields);

    private static ApiRefusal NotGiven(string kind, string fields) => new(StatusCodes.Status400BadRequest, $"a new {kind} needs {fields}");
}

/// <summary>An entity as it is shown: its fields, and what only the service says.</summary>
internal interface IEntityItem
{
    /// <summary>Number of the change that gave it this content; 0 if it is declared. Its <c>ETag</c> is this in quotes.</summary>
    long Revision { get; init; }

    /// <summary>The configuration file declares it: it can be changed there alone.</summary>
    bool Declared { get; init; }
}

/// <summary>An enumeration's member by its name in small letters with hyphens, and never by its number.</summary>
/// <typeparam name="T">The enumeration.</typeparam>
internal sealed class Word<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false)
    where T : struct, Enum;

/// <summary>Kinds in words.</summary>
internal static class KindWords
{
    /// <summary>One entity of a kind.</summary>
    /// <param name="kind">The kind.</param>
    /// <returns>E.g. <c>volume</c>.</returns>
    public static string Of(CatalogKind kind) => kind switch
    {
        CatalogKind.Volume => "volume",
        CatalogKind.Guest => "guest",
        CatalogKind.Disk => "disk",
        CatalogKind.Token => "token",
        _ => "identity",
    };
}
