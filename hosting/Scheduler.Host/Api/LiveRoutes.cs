using System.Globalization;
using Scheduler.Actors;
using Scheduler.Host.Api.Access;
using Scheduler.Host.Running;

namespace Scheduler.Host.Api;

/// <summary>Everything that is counted, at once.</summary>
/// <param name="At">When, in UTC.</param>
/// <param name="Volumes">The volumes.</param>
/// <param name="Guests">The guests of each volume.</param>
internal sealed record Statistics(DateTimeOffset At, IReadOnlyList<VolumeFigures> Volumes, IReadOnlyList<GuestFigures> Guests);

/// <summary>Connections that were closed.</summary>
/// <param name="Closed">How many.</param>
internal sealed record DetachAnswer(int Closed);

/// <summary>Volume groups were read anew.</summary>
/// <param name="Refused">Of each group that goes on as it was, why.</param>
internal sealed record RescanAnswer(IReadOnlyList<string> Refused);

/// <summary>What the service does now: figures, connections, and reading volume groups anew.</summary>
internal static partial class LiveRoutes
{
    /// <summary>Adds the routes.</summary>
    /// <param name="api">Where to.</param>
    /// <param name="catalog">What there is.</param>
    /// <param name="live">What it does.</param>
    /// <param name="logger">For what was done, and by whom.</param>
    public static void Map(IEndpointRouteBuilder api, ICatalogService catalog, ILiveFigures live, ILogger logger)
    {
        _ = api.MapGet("/stats", () => Results.Json(Statistics(catalog, live), AdminJson.Default.Statistics))
            .Describe("getStats", "Everything that is counted, since the start")
            .Produces<Statistics>();
        _ = api.MapGet("/rings", (string? limit, string? after) => Rings(live, limit, after))
            .Describe("listRings", "The attached rings, by number")
            .Produces<Page<RingFigures>>().Refuses(400);
        _ = api.MapDelete("/rings/{id:long}", (long id, HttpContext context) => CloseRing(live, id, Caller.Of(context), logger))
            .Describe("deleteRing", "Closes a ring's connection")
            .Produces(StatusCodes.Status204NoContent).Refuses(404);
        _ = api.MapPost("/disks/{name}/detach", (string name, HttpContext context) => DetachAsync(catalog, name, Caller.Of(context), logger))
            .Describe("detachDisk", "Closes all connections to a disk")
            .Produces<DetachAnswer>().Refuses(400, 404);
        _ = api.MapPost("/rescan", Task<IResult> (HttpContext context, CancellationToken _) => RescanAsync(live, Caller.Of(context), logger))
            .Describe("rescan", "Reads all volume groups anew")
            .Produces<RescanAnswer>();
    }

    private static Statistics Statistics(ICatalogService catalog, ILiveFigures live)
    {
        CatalogState state = catalog.State;
        return new Statistics(
            DateTimeOffset.UtcNow, live.Volumes, [.. live.Guests.Select(guest => guest with { Weight = state.Find<CatalogGuest>(guest.Guest)?.Weight ?? 0 })]);
    }

    private static IResult Rings(ILiveFigures live, string? limit, string? after)
    {
        int count = Paging.Limit(limit);
        long last = Paging.Number("after", after, 0, long.MaxValue, -1);
        return Results.Json(
            Paging.Cut(live.Rings.Where(ring => ring.Id > last), count, ring => ring.Id.ToString(CultureInfo.InvariantCulture)), AdminJson.Default.PageRingFigures);
    }

    private static async Task<IResult> RescanAsync(ILiveFigures live, Caller caller, ILogger logger)
    {
        Rescans(logger, caller.Name);
        return Results.Json(new RescanAnswer(await live.RescanAsync()), AdminJson.Default.RescanAnswer);
    }

    private static IResult CloseRing(ILiveFigures live, long id, Caller caller, ILogger logger)
    {
        if (!live.CloseRing(id))
            throw new ApiRefusal(StatusCodes.Status404NotFound, $"there is no ring {id}");
        RingClosed(logger, id, caller.Name);
        return Results.NoContent();
    }

    private static async Task<IResult> DetachAsync(ICatalogService catalog, string name, Caller caller, ILogger logger)
    {
        CatalogRoutes.CheckName(CatalogKind.Disk, name);
        if (catalog.State.Find<CatalogDisk>(name) is null)
            throw new ApiRefusal(StatusCodes.Status404NotFound, $"there is no disk {name}");
        int closed = await catalog.DetachAsync(name);
        Detached(logger, name, closed, caller.Name);
        return Results.Json(new DetachAnswer(closed), AdminJson.Default.DetachAnswer);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Volume groups are read anew, and what is not served is tried again, for {By}")]
    private static partial void Rescans(ILogger logger, string by);

    [LoggerMessage(Level = LogLevel.Information, Message = "Ring {Id} was closed by {By}")]
    private static partial void RingClosed(ILogger logger, long id, string by);

    [LoggerMessage(Level = LogLevel.Information, Message = "Disk {Disk}: {Count} connections were closed by {By}")]
    private static partial void Detached(ILogger logger, string disk, int count, string by);
}
