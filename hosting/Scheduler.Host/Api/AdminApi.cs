using Scheduler.Actors;
using Scheduler.Host.Api.Access;
using Scheduler.Host.Api.Entities;
using Scheduler.Host.Configuration;
using Scheduler.Host.Running;
using Scheduler.Storage.Journal;

namespace Scheduler.Host.Api;

/// <summary>What the admin API speaks of.</summary>
/// <param name="Service">What is administered.</param>
/// <param name="Catalog">What is served, and who may.</param>
/// <param name="Live">What the service does now.</param>
internal sealed record AdminTarget(Service Service, ICatalogService Catalog, ILiveFigures Live);

/// <summary>
/// What operators can ask of a running service, below <c>/api/v1</c>. Errors are problem details (RFC 9457). Who may ask is in
/// <see cref="AccessControl"/>.
/// </summary>
internal static partial class AdminApi
{
    /// <summary>Below what all of it is.</summary>
    public const string Prefix = "/api/v1";

    private static readonly EntityRoutes<CatalogVolume, VolumeFields, VolumeItem> s_volumes = new(
        CatalogKind.Volume, "volumes", VolumeFields.Put, VolumeItem.Of, AdminJson.Default.VolumeFields, AdminJson.Default.VolumeItem, AdminJson.Default.PageVolumeItem);

    private static readonly EntityRoutes<CatalogGuest, GuestFields, GuestItem> s_guests = new(
        CatalogKind.Guest, "guests", GuestFields.Put, GuestItem.Of, AdminJson.Default.GuestFields, AdminJson.Default.GuestItem, AdminJson.Default.PageGuestItem);

    private static readonly EntityRoutes<CatalogDisk, DiskFields, DiskItem> s_disks = new(
        CatalogKind.Disk, "disks", DiskFields.Put, DiskItem.Of, AdminJson.Default.DiskFields, AdminJson.Default.DiskItem, AdminJson.Default.PageDiskItem);

    private static readonly EntityRoutes<CatalogToken, TokenFields, TokenItem> s_tokens = new(
        CatalogKind.Token, "tokens", TokenFields.Put, TokenItem.Of, AdminJson.Default.TokenFields, AdminJson.Default.TokenItem, AdminJson.Default.PageTokenItem);

    private static readonly EntityRoutes<CatalogIdentity, IdentityFields, IdentityItem> s_identities = new(
        CatalogKind.Identity, "identities", IdentityFields.Put, IdentityItem.Of, AdminJson.Default.IdentityFields, AdminJson.Default.IdentityItem, AdminJson.Default.PageIdentityItem);

    /// <summary>Adds what <see cref="Map"/> needs.</summary>
    /// <param name="services">The server's services.</param>
    public static void AddServices(IServiceCollection services)
    {
        _ = services.AddProblemDetails(options => options.CustomizeProblemDetails = Explain);
        ApiDocument.AddServices(services);
    }

    /// <summary>Adds the routes.</summary>
    /// <param name="app">The server.</param>
    /// <param name="settings">Checked configuration.</param>
    /// <param name="target">What is administered.</param>
    public static void Map(WebApplication app, ServiceSettings settings, AdminTarget target)
    {
        ILoggerFactory loggers = app.Services.GetRequiredService<ILoggerFactory>();
        ILogger logger = loggers.CreateLogger(typeof(AdminApi).FullName!);

        // What fails without a text of its own becomes a problem too.
        _ = app.UseExceptionHandler();
        _ = app.UseStatusCodePages();
        AccessControl access = new(settings, () => target.Catalog.State.All<CatalogToken>(), new RefusalLog(logger, TimeProvider.System));
        _ = app.Use(access.InvokeAsync);

        RouteGroupBuilder api = app.MapGroup(Prefix);
        _ = api.AddEndpointFilter(CatchRefusal).WithTags("admin").ProducesProblem(StatusCodes.Status401Unauthorized).ProducesProblem(StatusCodes.Status403Forbidden);
        MapCatalog(api, target.Catalog, target.Live, logger);
        FaultRoutes.Map(api, target.Service);
        ApiDocument.Map(api);
        if (access.IsOpen)
            OpenToThisMachine(logger);
    }

    private static void MapCatalog(IEndpointRouteBuilder api, ICatalogService catalog, ILiveFigures live, ILogger logger)
    {
        CatalogRoutes routes = new(catalog, logger);
        routes.Map(api, s_volumes, () =>
        {
            Dictionary<string, VolumeFigures> figures = live.Volumes.ToDictionary(volume => volume.Name);
            return volume => volume with { State = figures.GetValueOrDefault(volume.Name!) };
        });
        routes.Map(api, s_disks, () =>
        {
            IReadOnlyDictionary<string, DiskState> disks = live.Disks;
            return disk => disk with { State = disks.GetValueOrDefault(disk.Name!) };
        });
        routes.Map(api, s_guests, () =>
        {
            ILookup<string, GuestFigures> figures = live.Guests.ToLookup(figures => figures.Guest);
            IReadOnlyDictionary<string, RecentGuest> recent = live.Recent;
            return guest => guest with { State = figures.Contains(guest.Name!) ? GuestState.Of(figures[guest.Name!], recent.GetValueOrDefault(guest.Name!)) : null };
        });
        routes.Map(api, s_identities, states: null);
        TokenRoutes.Map(api, s_tokens, catalog, routes, logger);
        _ = api.MapGet("/whoami", (HttpContext context) => Results.Json(Caller.Of(context), AdminJson.Default.Caller))
            .Describe("whoami", "Who the caller is to the service").Produces<Caller>();
        ChangeHistory.Map(api, catalog);
        LiveRoutes.Map(api, catalog, live, logger);
    }

    private static async ValueTask<object?> CatchRefusal(EndpointFilterInvocationContext invocation, EndpointFilterDelegate next)
    {
        try
        {
            return await next(invocation);
        }
        catch (ApiRefusal refusal)
        {
            return refusal.ToResult();
        }
        catch (BadHttpRequestException refused)
        {
            // The server has found the body too long, too slow or badly framed.
            return new ApiRefusal(refused.StatusCode, refused.Message).ToResult();
        }
        catch (JournalUnavailableException unavailable)
        {
            return new ApiRefusal(StatusCodes.Status503ServiceUnavailable, unavailable.Message).ToResult();
        }
    }

    private static void Explain(ProblemDetailsContext problem)
    {
        HttpRequest request = problem.HttpContext.Request;
        string path = ApiRefusal.Shown(request.Path);
        problem.ProblemDetails.Detail ??= problem.HttpContext.Response.StatusCode switch
        {
            StatusCodes.Status404NotFound => $"there is nothing at {path}; {Prefix}/openapi.json says what there is",
            StatusCodes.Status405MethodNotAllowed => $"{ApiRefusal.Shown(request.Method)} is not for {path}; {Prefix}/openapi.json says what is",
            StatusCodes.Status415UnsupportedMediaType => RequestBody.TypeProblem(request.ContentType),
            StatusCodes.Status500InternalServerError => "the service has failed in a way that its log tells",
            _ => null,
        };
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "There is no token: whoever reaches the admin address from this machine is its operator. PUT /api/v1/tokens/NAME makes the first one")]
    private static partial void OpenToThisMachine(ILogger logger);
}
