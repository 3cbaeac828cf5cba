using System.Text.Json;
using System.Text.Json.Serialization;
using Scheduler.Actors;
using Scheduler.Host.Api.Entities;
using Scheduler.Host.Running;

namespace Scheduler.Host.Api;

/// <summary>What a change did.</summary>
internal enum ChangeWord
{
    /// <summary>Something new.</summary>
    Added,

    /// <summary>Another content.</summary>
    Changed,

    /// <summary>It is gone.</summary>
    Deleted,
}

/// <summary>A change of the catalog.</summary>
/// <param name="Number">Its number: the revision of what it put.</param>
/// <param name="Kind">What was changed.</param>
/// <param name="Name">Its name.</param>
/// <param name="Change">What was done.</param>
/// <param name="By">Who did it, as <see cref="Access.Caller"/> has it. Changes that were made before it did have a token's name
/// alone, which may be <c>local</c> too: nobody knows now who that was, so they stay as they are.</param>
/// <param name="At">When, in UTC.</param>
/// <param name="Entity">Its content since then, as its own address shows it; null if it was deleted.</param>
internal sealed record ChangeItem(
    long Number,
    [property: JsonConverter(typeof(Word<CatalogKind>))] CatalogKind Kind,
    string Name,
    [property: JsonConverter(typeof(Word<ChangeWord>))] ChangeWord Change,
    string By,
    DateTimeOffset At,
    JsonElement? Entity);

/// <summary>Changes, the newest first.</summary>
/// <param name="Items">The changes.</param>
/// <param name="Next">To be given as <c>?to=</c> for those before; null: there are none.</param>
internal sealed record ChangeList(IReadOnlyList<ChangeItem> Items, long? Next);

/// <summary><c>GET /history</c>: what was changed, when, and by whom.</summary>
internal static class ChangeHistory
{
    /// <summary>Adds the route.</summary>
    /// <param name="api">Where to.</param>
    /// <param name="catalog">Whose changes.</param>
    public static void Map(IEndpointRouteBuilder api, ICatalogService catalog) =>
        _ = api.MapGet("/history", (string? limit, string? to, HttpContext context) => ListAsync(catalog, limit, to, context.RequestAborted))
            .Describe("listHistory", "What was changed, the newest first")
            .Produces<ChangeList>().Refuses(400, 503);

    private static async Task<IResult> ListAsync(ICatalogService catalog, string? limit, string? to, CancellationToken cancellation)
    {
        int count = Paging.Limit(limit);
        long newest = Paging.Number("to", to, 0, long.MaxValue, long.MaxValue);
        IReadOnlyList<CatalogChange> changes = newest == 0 ? [] : await catalog.HistoryAsync(newest, count, cancellation);
        long last = changes.Count > 0 ? changes[^1].SequenceNumber : 1;
        return Results.Json(new ChangeList([.. changes.Select(Show)], last > 1 ? last - 1 : null), AdminJson.Default.ChangeList);
    }

    private static ChangeItem Show(CatalogChange change)
    {
        CatalogEvent happened = change.Event;
        Type type = happened.GetType().GetGenericTypeDefinition();
        ChangeWord word = type == typeof(EntityAdded<>) ? ChangeWord.Added : type == typeof(EntityChanged<>) ? ChangeWord.Changed : ChangeWord.Deleted;
        return new ChangeItem(
            change.SequenceNumber, happened.Key.Kind, happened.Key.Name, word, happened.By, happened.At, happened.After is { } after ? ShowEntity(after, change.SequenceNumber) : null);
    }

    // Not as it is stored: the hash of a token is for nobody.
    private static JsonElement ShowEntity(CatalogEntity entity, long revision) => entity switch
    {
        CatalogVolume volume => JsonSerializer.SerializeToElement(VolumeItem.Of(volume, revision, false), AdminJson.Default.VolumeItem),
        CatalogGuest guest => JsonSerializer.SerializeToElement(GuestItem.Of(guest, revision, false), AdminJson.Default.GuestItem),
        CatalogDisk disk => JsonSerializer.SerializeToElement(DiskItem.Of(disk, revision, false), AdminJson.Default.DiskItem),
        CatalogToken token => JsonSerializer.SerializeToElement(TokenItem.Of(token, revision, false), AdminJson.Default.TokenItem),
        CatalogIdentity identity => JsonSerializer.SerializeToElement(IdentityItem.Of(identity, revision, false), AdminJson.Default.IdentityItem),
        _ => throw new ArgumentException($"{entity.GetType()} is not in catalogs", nameof(entity)),
    };
}
